"""Items of a table to and from files of JSON lines, whole tables included."""
