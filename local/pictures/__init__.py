"""``make pictures``: the pictures of docs/images/, made again from a real deployment."""
