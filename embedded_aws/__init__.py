"""An AWS inside this machine: ministack with additions.

``server`` is its process, ``process`` starts and stops it, ``additions`` is what is added, one package for
each AWS service. This module imports nothing, because the engine reads its environment when it is imported.
"""
