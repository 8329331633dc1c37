"""What the command, the gateway, notebooks and tests do: ask for jobs, look at them, and operate."""
