"""The engines of the tests: alike where the data model needs it, and gone with their tests."""

import http.client
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

from local.environment import PROJECT
from model.messages import INDEX_NAME
from tests.support import engines

WAIT_SECONDS = 10
_HOLDER = """
import signal
from tests.support import engines
with engines.dynalite() as url:
    print(url, flush=True)
    signal.pause()
"""


def _answers(url: str) -> bool:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def test_a_killed_test_process_takes_its_dynalite_along():
    command = [sys.executable, "-c", _HOLDER]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as holder:
        url = holder.stdout.readline().strip()
        assert _answers(url)
        holder.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + WAIT_SECONDS
    while _answers(url):
        assert time.monotonic() < deadline, "dynalite outlives the process that started it"
        time.sleep(0.02)


def test_dynalite_ends_with_its_block():
    with engines.dynalite() as url:
        assert _answers(url)
    assert not _answers(url)


def test_every_engine_has_the_index_of_the_data_model(any_table):
    any_table.put_item(Item={"pk": "USER#tom", "sk": "x", "User": "tom", "LastMessageAt": "1"})
    any_table.put_item(Item={"pk": "USER#tom", "sk": "y"})
    found = any_table.query(
        IndexName=INDEX_NAME,
        KeyConditionExpression="#user = :user",
        ExpressionAttributeNames={"#user": "User"},
        ExpressionAttributeValues={":user": "tom"},
    )
    assert [item["sk"] for item in found["Items"]] == ["x"]
