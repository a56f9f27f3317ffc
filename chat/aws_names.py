"""What AWS accepts as the name of a region, a table or a user pool. Pure."""

import re

REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
# Stricter than the API, whose pattern knows nothing of regions: every id begins with one
# (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html).
USER_POOL = re.compile(rf"(?=.{{1,55}}\Z){REGION.pattern}_[0-9A-Za-z]+")
