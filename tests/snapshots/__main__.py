"""``make snapshots``: write every stage's snapshot anew, for a reviewer to read the difference."""

from tests.snapshots import file, snapshot, stages

if __name__ == "__main__":
    for stage in stages():
        file(stage).write_text(snapshot(stage))
        print(file(stage))
