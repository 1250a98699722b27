"""Everything that writes rows. Tasks, commands, pages and APIs call these and nothing else."""
