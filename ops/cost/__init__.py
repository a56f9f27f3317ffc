"""What a template costs a month under a stated load. Nothing here talks to AWS."""
