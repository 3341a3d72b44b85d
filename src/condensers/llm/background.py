"""An event loop on a thread of its own, so that a notebook's running loop is not in the way."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def iterate_in_thread(produce: Callable[[Callable[[T], None]], Coroutine[Any, Any, None]]) -> Iterator[T]:
    """Runs a coroutine on a thread and yields what it hands over, at once.

    Its errors are raised here. When the iterator is closed, by Ctrl-C say, the coroutine is cancelled and waited for.

    Args:
        produce: Takes a function to hand items to.
    """
    items: SimpleQueue[T | _End] = SimpleQueue()
    loop = asyncio.new_event_loop()
    task = loop.create_task(produce(items.put))
    thread = threading.Thread(target=_run, args=(loop, task, items), name="condensers-llm", daemon=True)
    thread.start()
    try:
        while not isinstance(item := items.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        if thread.is_alive():
            try:
                loop.call_soon_threadsafe(task.cancel)
            except RuntimeError:  # The loop closed since we looked.
                pass
        thread.join()


def _run(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]", items: "SimpleQueue[Any]") -> None:
    error: BaseException | None = None
    try:
        loop.run_until_complete(task)
    except (Exception, asyncio.CancelledError) as raised:
        error = raised
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        items.put(_End(error))
