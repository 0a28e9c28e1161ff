"""A request a vendor does not carry out, with the whole answer it gets."""

from fastapi.responses import Response


class Refused(Exception):
    """Ends a request. `executed` says that it was tried first, as a declined charge is."""

    def __init__(self, response: Response, *, executed: bool = False) -> None:
        super().__init__(response.status_code)
        self.response = response
        self.executed = executed
