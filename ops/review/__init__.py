"""What a template says, and what a change of it means, for the person who reviews it."""
