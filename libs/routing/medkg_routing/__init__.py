"""The pure decision: what happens next to a job."""
