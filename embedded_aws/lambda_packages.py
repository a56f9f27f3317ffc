"""Lambda reads a function's files as another user, so each must be readable by everybody.

Source: Lambda Developer Guide, "Troubleshoot deployment issues in Lambda" (644 for files, 755 for
folders; otherwise "EACCES: permission denied, open '/var/task/index.js'" and "[Errno 13]
Permission denied: '/var/task/function.py'" when the function is called). Lambda fails on the file
that the function opens; here on any of the package, because its functions open them all.
"""

import io
import zipfile
from typing import Any

import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.lambda_svc as engine

from embedded_aws.replies import Json

_FILE, _FOLDER = 0o004, 0o005
_UNIX = 3  # of ZipInfo.create_system; packages of other systems have no modes


def install() -> None:
    """Fail calls of functions with such files; code inside a template is readable."""
    execute = engine._execute_function_warm
    zip_inline = provisioners._zip_inline

    def checked(function: Json, *arguments: Any) -> Json:
        file = unreadable(function.get("code_zip") or b"")
        if file is None:
            answer: Json = execute(function, *arguments)
            return answer
        config = function.get("config") or function
        body = denial(f"/var/task/{file}", str(config.get("Runtime", "")))
        return {"body": body, "error": True, "log": body["errorMessage"]}

    def readable(*arguments: Any) -> bytes | None:
        package = zip_inline(*arguments)
        return package and with_mode(package, 0o644)

    engine._execute_function_warm = checked
    provisioners._zip_inline = readable


def unreadable(package: bytes) -> str | None:
    """The first file or folder of a package that others cannot read, or None."""
    if not package:
        return None
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        for entry in archive.infolist():
            mode = entry.external_attr >> 16
            needed = _FOLDER if entry.is_dir() else _FILE
            if entry.create_system == _UNIX and mode and mode & needed != needed:
                return entry.filename
    return None


def denial(path: str, runtime: str) -> Json:
    """What the runtime answers when it cannot open ``path``."""
    if runtime.startswith("nodejs"):
        text = f"EACCES: permission denied, open '{path}'"
        return {"errorType": "Error", "errorMessage": text}
    text = f"[Errno 13] Permission denied: '{path}'"
    return {"errorType": "PermissionError", "errorMessage": text}


def with_mode(package: bytes, mode: int) -> bytes:
    """The package with each of its files under ``mode``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as given, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for entry in given.infolist():
            entry.external_attr = mode << 16
            made.writestr(entry, given.read(entry))
    return buffer.getvalue()
