"""How the Messages table is read and written after the deployment."""
