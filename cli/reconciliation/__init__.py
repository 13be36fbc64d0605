"""What was published against what each subscription applied or buried.

Nobody keeps a list of all that was published, so it is put together: of a file, of what is in the outbox, and of what
any consumer has seen. An event that is in none of them can't be missed; with a file of what the producer has sent, all
of that is.
"""
