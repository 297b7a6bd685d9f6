"""A client of the HTTP API of Quillwork, on the standard library alone.

Every call raises ApiError where the server refuses it, or does not answer. Tasks and the data of events are dictionaries, as the API
returns them; the OpenAPI document of a server (``/v1/openapi.json``) says what is in them.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any, Iterator, Mapping, Optional, TypedDict, Union
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

__all__ = ["ApiError", "Client", "Event", "Task", "TaskPage"]

_WAIT_SECONDS = 20
"""How long one request waits for the end of a task; proxies end those that are silent for a minute or half of one."""

_SILENT_SECONDS = 60
"""A server sends a heartbeat every 15 seconds: one that is silent for longer is not there any more."""

_TRIES = 4
"""How often a request that may be sent again is sent."""

_ENDED = frozenset(["COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "CANCELLED", "DEAD_LETTER"])
_END_TYPES = frozenset(f"dev.quillwork.task.{name}.v1" for name in ("completed", "failed", "cancelled", "deadLettered"))


class _TaskRequired(TypedDict):
    id: str
    taskType: str
    userId: str
    status: str
    done: bool
    lane: str
    tags: list[str]
    timestamps: dict[str, str]
    attempt: int
    rootTaskId: str
    version: int


class Task(_TaskRequired, total=False):
    """A task, as the API returns it. What is unknown is absent."""

    parameters: Any
    progress: Any
    result: Any
    errorInfo: dict[str, Any]
    waitingFor: dict[str, Any]
    parentTaskId: str
    subTaskStatusSummary: dict[str, int]
    deadLetter: dict[str, Any]
    traceId: str


class _PageRequired(TypedDict):
    items: list[Task]


class TaskPage(_PageRequired, total=False):
    """A page of a listing. Only the last one has no ``nextPageToken``."""

    nextPageToken: str


@dataclass(frozen=True)
class Event:
    """An event of a stream. ``id`` is where to resume."""

    id: str
    event: str
    data: dict[str, Any]


class ApiError(Exception):
    """A request that was refused, or got no answer."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        problem: Optional[Mapping[str, Any]] = None,
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status; 0 where there was no answer."""
        self.code = code
        """A code such as TASK_NOT_FOUND; SERVER_UNREACHABLE where there was no answer, WAIT_TIMEOUT where a wait was too long."""
        self.problem = problem
        """What the server sent (RFC 9457)."""
        self.retry_after = retry_after
        """When to ask again, seconds from now, where the server said so."""

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        if self.problem is not None:
            return bool(self.problem.get("retryable"))
        return self.status == 0 or self.status >= 502


class _NoRedirects(HTTPRedirectHandler):
    """The token goes to no other address."""

    def redirect_request(self, *_: Any) -> None:
        return None


_Query = Mapping[str, Union[str, int, bool, list[str], None]]


class Client:
    """A server. ``timeout``: seconds that a request may take to be answered."""

    def __init__(self, url: str, token: Optional[str] = None, *, timeout: float = 30) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._opener = build_opener(_NoRedirects)

    def submit(
        self,
        task_type: str,
        parameters: Any = None,
        *,
        idempotency_key: Optional[str] = None,
        **options: Any,
    ) -> Task:
        """Submits a task. Without an answer it is sent again with the same key, so it makes one task.

        ``options``: the other fields of a submission, as the API names them: ``userId``, ``lane``, ``priority``, ``tags``, ``delay``,
        ``startAt``, ``budget``.
        """
        body = {"taskType": task_type, **({} if parameters is None else {"parameters": parameters}), **options}
        headers = {"idempotency-key": idempotency_key or uuid.uuid4().hex}
        return self._retried(lambda: self.request("POST", "/v1/tasks", body=body, headers=headers))

    def get(self, task_id: str) -> Task:
        """Returns a task."""
        return self._retried(lambda: self.request("GET", _path(task_id)))

    def list(self, **query: Any) -> TaskPage:
        """Returns a page of tasks. The filters are those of the API: ``status``, ``taskType``, ``tag``, ``pageToken`` and so on."""
        return self._retried(lambda: self.request("GET", "/v1/tasks", query=query))

    def cancel(self, task_id: str) -> Task:
        """Cancels a task and everything below it. A running attempt is asked to stop; ``wait_for`` says when it has."""
        return self._retried(lambda: self.request("POST", f"{_path(task_id)}:cancel"))

    def wait_for(self, task_id: str, timeout: Optional[float] = None) -> Task:
        """Returns the task once it has ended, however it did: look at its ``status``.

        ``timeout``: seconds, default as long as it takes. After it raises ApiError with the code WAIT_TIMEOUT; the task goes on.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        failures = 0
        while True:
            left = _WAIT_SECONDS if deadline is None else max(0.0, deadline - time.monotonic())
            wait = min(_WAIT_SECONDS, int(left))
            delay = 0.0
            try:
                with self._open("GET", _path(task_id), headers={"prefer": f"wait={wait}"}, slow=wait) as response:
                    task: Task = json.load(response)
                    if task["done"]:
                        return task
                    # All places for those who wait may be taken, and a wait of less than a second is none.
                    if wait == 0 or response.headers.get("preference-applied") is None:
                        delay = min(2.0, _retry_after(response.headers) or 2.0)
                failures = 0
            except ApiError as error:
                if not error.retryable:
                    raise
                failures += 1
                delay = _backoff(failures, error)
            except (OSError, HTTPException):
                failures += 1
                delay = _backoff(failures)
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise ApiError(0, "WAIT_TIMEOUT", f"Task {task_id} did not end within {timeout} s; it goes on.")
                delay = min(delay, left)
            time.sleep(delay)

    def events(self, task_id: Optional[str] = None, *, last_event_id: Optional[str] = None, **query: Any) -> Iterator[Event]:
        """Yields what happens to a task and everything below it, across connections, until all of it has ended.

        Without a task, those of all tasks that the filters of ``query`` find, until the caller stops. With ``format="cloudevents"`` the
        data of each event is a CloudEvents 1.0 event.
        """
        if task_id is None:
            return self._follow(f"/v1/events{_query_text(query)}", last_event_id)
        return self._follow(f"{_path(task_id)}/events{_query_text(query)}", last_event_id, ends=task_id)

    def output(self, task_id: str, *, after: Optional[str] = None) -> Iterator[Event]:
        """Yields the text that a task writes as it grows, across connections: ``text`` with the next text, ``reset`` where a newer
        attempt begins, whose text takes the place of the one before, ``end`` at the end."""
        for event in self._follow(f"{_path(task_id)}/output", after):
            yield event
            if event.event == "end":
                return

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Optional[_Query] = None,
        body: Any = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Any:
        """Returns the answer to any request of the API, read as JSON; None where it has no content."""
        try:
            with self._open(method, path + _query_text(query or {}), body=body, headers=headers) as response:
                content = response.read()
        except (OSError, HTTPException) as error:
            raise self._unreachable() from error
        return json.loads(content) if content else None

    def _open(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: Optional[Mapping[str, str]] = None,
        slow: float = 0,
        silent: Optional[float] = None,
    ) -> HTTPResponse:
        request = Request(self.url + path, method=method, headers=dict(headers or {}))
        if self._token is not None:
            request.add_unredirected_header("authorization", f"Bearer {self._token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        try:
            return self._opener.open(request, timeout=silent or self._timeout + slow)
        except HTTPError as error:
            with error:
                raise _refusal(error) from None
        except (URLError, OSError, HTTPException) as error:
            raise self._unreachable() from error

    def _unreachable(self) -> ApiError:
        return ApiError(0, "SERVER_UNREACHABLE", f"The server at {self.url} does not answer.")

    def _retried(self, ask: Any) -> Any:
        for failures in range(1, _TRIES):
            try:
                return ask()
            except ApiError as error:
                if not error.retryable:
                    raise
                time.sleep(_backoff(failures, error))
        return ask()

    def _follow(self, path: str, last_event_id: Optional[str], ends: Optional[str] = None) -> Iterator[Event]:
        """Yields the events of a stream. Connects again when it breaks or ends, and resumes after the last event. ``ends``: the task
        after whose end nothing is to come; then a new connection tells whether all was sent."""
        over = False
        idle = 0.0
        failures = 0
        while True:
            headers = {"accept": "text/event-stream"}
            if last_event_id is not None:
                headers["last-event-id"] = last_event_id
            try:
                silent = idle if over and idle > 0 else _SILENT_SECONDS
                with self._open("GET", path, headers=headers, silent=silent) as response:
                    if response.status == 204:
                        return
                    first = True
                    for event_id, event, data in _messages(response, last_event_id):
                        failures = 0
                        last_event_id = event_id
                        if data:
                            content = json.loads(data)
                            over = over or _is_end(content, ends)
                            yield Event(event_id or "", event, content)
                        if first and not over and ends is not None:
                            over = bool(self.get(ends)["done"])
                        first = False
                        # What has arrived since is sent again.
                        if over and idle == 0:
                            break
            except ApiError as error:
                if not error.retryable:
                    raise
                failures += 1
                time.sleep(_backoff(failures, error))
            except (OSError, HTTPException):
                # The connection broke, or nothing arrived for long.
                pass
            if over:
                idle = min(15.0, max(1.0, idle * 2))
            elif failures == 0:
                time.sleep(_backoff(0))


def _path(task_id: str) -> str:
    return f"/v1/tasks/{quote(task_id, safe='')}"


def _query_text(query: _Query) -> str:
    def text(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    pairs = [
        (name, text(each))
        for name, value in query.items()
        if value is not None
        for each in (value if isinstance(value, (list, tuple)) else [value])
    ]
    return f"?{urlencode(pairs)}" if pairs else ""


def _is_end(data: Mapping[str, Any], task_id: Optional[str]) -> bool:
    if task_id is None:
        return False
    if "specversion" in data:
        return data.get("subject") == task_id and data.get("type") in _END_TYPES
    return data.get("taskId") == task_id and data.get("status") in _ENDED


def _messages(response: HTTPResponse, last_id: Optional[str]) -> Iterator[tuple[Optional[str], str, str]]:
    """Yields id, name and data of each block of a stream (WHATWG HTML, section 9.2); the data is empty for ids alone and heartbeats."""
    event = "message"
    data: list[str] = []
    for raw in response:
        line = raw.decode("utf-8").rstrip("\r\n")
        if line == "":
            yield last_id, event, "\n".join(data)
            event, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "id":
            last_id = value
        elif field == "event":
            event = value
        elif field == "data":
            data.append(value)


def _refusal(error: HTTPError) -> ApiError:
    retry_after = _retry_after(error.headers)
    try:
        problem = json.load(error)
        return ApiError(error.code, problem["code"], problem["detail"], problem, retry_after)
    except (ValueError, KeyError, TypeError, OSError, HTTPException):
        # Something between client and server answered.
        return ApiError(error.code, f"HTTP_{error.code}", f"The server answered {error.code}.", None, retry_after)


def _retry_after(headers: Any) -> Optional[float]:
    text = headers.get("retry-after") or ""
    return float(text) if text.isdigit() else None


def _backoff(failures: int, error: Optional[ApiError] = None) -> float:
    own = min(15.0, 0.25 * 2**failures) * (0.75 + random.random() / 2)
    return max(own, (error.retry_after if error is not None else None) or 0.0)
