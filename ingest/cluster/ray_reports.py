"""What a person gets to see of Ray's errors: one line; the tracebacks stay in Ray's own logs."""

_LONGEST = 300


def keep_in_logs() -> None:
    """Stop Ray from printing tracebacks of actors to this process's standard output.

    Ray prints each error of a task or an actor there, also when no logs of workers are wanted, and
    so into the result of a command. There is no public setting. Its logs have all of them.
    """
    from ray._private import worker

    if hasattr(worker, "_worker_logs_enabled"):
        worker._worker_logs_enabled = False


def reason(error: BaseException) -> str:
    """One line that says why: the last of a traceback, without the path of the class."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return short(lines[-1]) if lines else type(error).__name__


def short(line: str) -> str:
    """A line, cut to what can be read, without the path of an exception's class."""
    name, colon, message = line.partition(": ")
    is_class = bool(colon) and " " not in name and ("." in name or name.endswith("Error"))
    text = message if is_class else line
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def gateway_reason(error: BaseException) -> str:
    """Why the gateway did not come up, as Serve tells it of a replica, or else ``error`` itself."""
    import ray
    from ray import serve as ray_serve

    try:
        found = ray_serve.status().applications.values()
        messages = [d.message for one in found for d in one.deployments.values() if d.message]
    except (ray.exceptions.RayError, RuntimeError):
        messages = []
    return reason(RuntimeError(messages[0])) if messages else reason(error)
