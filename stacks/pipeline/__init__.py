"""What a pipeline may do in the account: who is trusted, and with which permissions."""
