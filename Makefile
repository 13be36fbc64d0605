# Thin: dev.py does the work, and makes what it needs first. Arguments: make demo ARGUMENTS="--json"
.PHONY: demo up down status test check supply fuzz simulate bench clean
demo up down status test check supply fuzz simulate bench clean:
	@python3 dev.py $@ $(ARGUMENTS)
