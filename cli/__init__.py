"""How every command behaves: clients, errors, polling, tables on a terminal."""
