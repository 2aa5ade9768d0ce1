"""Changes of the e-mail library while people are midway: nobody gets a text twice."""

from collections import Counter
from pathlib import Path
from shutil import copytree

import pytest

from db_service import DbService
from scripts.populate_drip_templates import LIBRARY, RefusedError, populate
from scripts.reorder_steps import reorder_steps, retire_step
from tests.cast import NOW
from tests.scheduler.conftest import ACrowd, Scheduler
from tests.standins.sendgrid import SendGridStandIn

Files = list[tuple[str, int]]  # names in their order, each with its step


@pytest.fixture
def library_folder(tmp_path: Path) -> Path:
    return copytree(LIBRARY, tmp_path / "templates")


def _write(folder: Path, files: Files) -> None:
    campaign = folder / "prospect"
    for file in campaign.glob("*.md"):
        file.unlink()
    for place, (name, step) in enumerate(files, start=1):
        (campaign / f"{place:02}-{name}.md").write_text(
            f"---\nstep: {step}\nname: {name}\nsubject: {name}\npreheader: About {name}\n"
            f"delay_days: {0 if place == 1 else 2}\n---\n"
            f"Hello {{{{ contact.first_name }}}}, {name}.\n"
        )


def _populate(service: DbService, folder: Path, files: Files) -> None:
    _write(folder, files)
    populate(service, folder, dry_run=False, now=NOW)


def _run_for_weeks(scheduler: Scheduler) -> None:
    for _ in range(30):
        scheduler.tick(days=1)


ABCD: Files = [("a", 1), ("b", 2), ("c", 3), ("d", 4)]


@pytest.mark.parametrize(
    ("files", "order", "wanted"),
    [
        # What is moved or put in before one's place is not sent; what lies ahead is.
        ([("a", 1), ("new", 5), ("b", 2), ("c", 3), ("d", 4)], [1, 5, 2, 3, 4], "abcd"),
        ([("a", 1), ("b", 2), ("new", 5), ("c", 3), ("d", 4)], [], ["a", "b", "c", "d", "new"]),
        ([("c", 3), ("a", 1), ("b", 2), ("d", 4)], [3, 1, 2, 4], "abcd"),
        ([("a", 1), ("b", 2), ("d", 4), ("c", 3)], [1, 2, 4, 3], "abc"),
    ],
)
def test_people_midway_get_every_e_mail_ahead_of_them_once(
    service: DbService,
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    library_folder: Path,
    files: Files,
    order: list[int],
    wanted: list[str],
) -> None:
    _populate(service, library_folder, ABCD)
    a_crowd(2, contact_type="prospect")
    while len(sendgrid_standin.accepted) < 4:
        scheduler.tick(days=1)
    _populate(service, library_folder, files)
    if order:
        reorder_steps(service, "prospect", order, now=scheduler.clock())
    _run_for_weeks(scheduler)
    got = [mail.subject for mail in sendgrid_standin.accepted if "crowd1@" in mail.to]
    assert got == list(wanted)
    assert max(Counter((m.to, m.subject) for m in sendgrid_standin.accepted).values()) == 1


def test_an_e_mail_taken_out_is_skipped_and_the_next_one_comes(
    service: DbService,
    scheduler: Scheduler,
    sendgrid_standin: SendGridStandIn,
    a_crowd: ACrowd,
    library_folder: Path,
) -> None:
    _populate(service, library_folder, ABCD)
    a_crowd(1, contact_type="prospect")
    scheduler.tick()
    assert "1 contact(s) waited" in retire_step(service, "prospect", 2, now=NOW)
    _run_for_weeks(scheduler)
    assert [mail.subject for mail in sendgrid_standin.accepted] == ["a", "c", "d"]


@pytest.mark.parametrize(
    "files",
    [
        [("a", 1), ("c", 2), ("d", 3)],
        [("a", 1), ("new", 2), ("b", 3), ("c", 4), ("d", 5)],
        [("c", 1), ("a", 2), ("b", 3), ("d", 4)],
    ],
)
def test_a_text_under_another_number_is_refused_before_anything_is_published(
    service: DbService, library_folder: Path, files: Files
) -> None:
    _populate(service, library_folder, ABCD)
    before = service.templates.ever_published()
    with pytest.raises(RefusedError, match="keep its step number"):
        _populate(service, library_folder, files)
    assert service.templates.ever_published() == before


def test_a_text_taken_out_does_not_come_back_under_another_number(
    service: DbService, library_folder: Path
) -> None:
    _populate(service, library_folder, ABCD)
    retire_step(service, "prospect", 2, now=NOW)
    with pytest.raises(RefusedError, match="was published as step 2"):
        _populate(service, library_folder, [("a", 1), ("c", 3), ("d", 4), ("b", 9)])


def test_files_in_another_order_and_steps_without_a_file_are_said_and_left_alone(
    service: DbService, library_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _populate(service, library_folder, ABCD)
    before = service.templates.published()
    capsys.readouterr()
    _populate(service, library_folder, [("b", 2), ("a", 1), ("d", 4)])
    said = capsys.readouterr().out
    assert "reorder_steps.py prospect 2 1 4 3" in said
    assert "reorder_steps.py prospect --retire 3" in said
    after = [v.step for v in service.templates.published() if v.campaign_id]
    assert after == [v.step for v in before]
