"""An AWS inside this machine: ministack with additions.

``server`` is its process, ``process`` starts and stops it, ``hooks`` lists what is replaced in ministack. This
module imports nothing, because the engine reads its environment when it is imported.
"""
