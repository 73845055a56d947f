"""Build what takes people in by the thousand, and what runs the imports handed in by the API."""

from dataclasses import dataclass

from heyday.db.notifications import IMPORTS, Announcements, DueWakeup
from heyday.domain.ports import Clock, Store
from heyday.services.bulk import BulkService
from heyday.services.import_jobs import ImportJobService
from heyday.services.import_previews import ImportPreviewService
from heyday.services.import_running import JOB_CHUNK_ROWS, ImportRunner
from heyday.services.importing import ImportService
from heyday.services.planning import Planner
from heyday.telemetry import Metrics
from heyday.workers.imports import ImportWorker


@dataclass(frozen=True, slots=True)
class ImportParts:
    """Hold them. files: what a command imports a file with."""

    files: ImportService
    bulk: BulkService
    jobs: ImportJobService
    previews: ImportPreviewService
    worker: ImportWorker


def build_imports(
    store: Store, planner: Planner, clock: Clock, announcements: Announcements, metrics: Metrics
) -> ImportParts:
    """Return them, built on the parts of an app."""
    files = ImportService(store, planner, clock)
    in_background = ImportService(store, planner, clock, JOB_CHUNK_ROWS, metrics)
    wakeup = DueWakeup(announcements, clock, IMPORTS)
    return ImportParts(
        files=files,
        bulk=BulkService(store, planner, clock),
        jobs=ImportJobService(store, clock),
        previews=ImportPreviewService(store, clock),
        worker=ImportWorker(ImportRunner(store, in_background, clock), wakeup, clock),
    )
