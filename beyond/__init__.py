"""What the assignment does not ask for: starts, measures, checkpoints, pictures, commands."""
