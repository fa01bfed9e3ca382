"""What the parts of a running service share. Made by `app.create_app`, handed to every router."""

from __future__ import annotations

from dataclasses import dataclass

from .settings import Settings
from .workers.dispatcher import Dispatcher
from .workers.edition import LiveGuideline
from .workers.record_store import RecordStore


@dataclass(frozen=True, slots=True)
class Service:
    """Settings, the desk that evaluates, and the records that cards link to."""

    settings: Settings
    desk: Dispatcher
    handoffs: RecordStore

    @property
    def compiled(self) -> LiveGuideline:
        """The guideline, for what does not depend on a patient. Patients are evaluated by `desk.run`."""
        return self.desk.compiled

    def explanation_url(self, name: str) -> str:
        """The absolute address of the page that explains a handed over record."""
        return f"{self.settings.url}/explain/{name}"
