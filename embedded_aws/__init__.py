"""An AWS inside this machine: ministack with additions.

``server`` is its process, ``additions`` what is added, one package for each AWS service. It
imports nothing here, because the engine reads its environment when it is imported.
"""
