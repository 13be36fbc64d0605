"""The message boundary under whatever may come: what Hypothesis makes up, byte mutations, and atheris by command."""
