"""The app, but its seeding function lacks the grant named by WITHOUT_GRANT."""

import os

import app
from stacks.messages_table import MessagesTable

if __name__ == "__main__":
    table_grants = ["dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:PutItem"]
    table_grants.remove(os.environ["WITHOUT_GRANT"])
    MessagesTable.grant_seeding = lambda self, grantee: self.table.grant(grantee, *table_grants)
    app.main()
