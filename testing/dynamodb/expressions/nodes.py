"""What expressions are parsed into."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NameRef:
    """`#name`: stands for an attribute's name."""

    name: str


@dataclass(frozen=True, slots=True)
class ValueRef:
    """`:value`: stands for a value of the request."""

    name: str


@dataclass(frozen=True, slots=True)
class Path:
    """`a.b[0]`: attribute names and list positions."""

    parts: tuple[str | int | NameRef, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """`size(operand)`."""

    operand: Path | ValueRef


Operand = Path | ValueRef | Size


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`, the operator one of = <> < <= > >=."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    """`operand BETWEEN low AND high`."""

    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class In:
    """`operand IN (option, ...)`."""

    operand: Operand
    options: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """`name(argument, ...)`, a condition."""

    name: str
    arguments: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class And:
    """Both hold."""

    left: Condition
    right: Condition


@dataclass(frozen=True, slots=True)
class Or:
    """One of both holds."""

    left: Condition
    right: Condition


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    condition: Condition


Condition = Comparison | Between | In | Function | And | Or | Not


@dataclass(frozen=True, slots=True)
class IfNotExists:
    """`if_not_exists(path, default)`."""

    path: Path
    default: Term


@dataclass(frozen=True, slots=True)
class ListAppend:
    """`list_append(first, second)`."""

    first: Term
    second: Term


@dataclass(frozen=True, slots=True)
class SetMembers:
    """PartiQL's `set_add(path, members)` (operator ADD) and `set_delete(path, members)` (operator DELETE)."""

    operator: str
    path: Path
    members: ValueRef


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left + right` or `left - right`."""

    operator: str
    left: Term
    right: Term


Term = Path | ValueRef | IfNotExists | ListAppend | SetMembers | Arithmetic


@dataclass(frozen=True, slots=True)
class Update:
    """An UpdateExpression's sections, in the order of the request."""

    sets: tuple[tuple[Path, Term], ...] = ()
    removes: tuple[Path, ...] = ()
    adds: tuple[tuple[Path, ValueRef], ...] = ()
    deletes: tuple[tuple[Path, ValueRef], ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every path that the update changes."""
        changed = [path for section in (self.sets, self.adds, self.deletes) for path, _ in section]
        return (*changed, *self.removes)
