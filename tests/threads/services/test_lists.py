"""Following a list is a decision of the operator, and says what is missing for it."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from reviewbot.errors import NotFoundError, OperatorError
from tests.threads.services.test_following import Epoch
from threads import models
from threads.services import following, lists

pytestmark = pytest.mark.django_db


@pytest.fixture
def epoch(tmp_path: Path, mails: list[bytes]) -> Epoch:
    made = Epoch(tmp_path / "0.git")
    made.add(mails[0])
    return made


def test_no_list_is_followed_by_itself() -> None:
    assert not models.MailingList.objects.exclude(epochs="").exists()


def test_a_known_list_is_followed_from_the_next_mail_on(epoch: Epoch, mails: list[bytes]) -> None:
    row = lists.follow("linux-mm", str(epoch.path))
    epoch.add(mails[1])
    assert following.read_on(row) == 1
    assert models.Message.objects.get().lists.get() == row


def test_following_again_goes_on_where_it_was_left(epoch: Epoch, mails: list[bytes]) -> None:
    lists.follow("linux-mm", str(epoch.path))
    lists.forget("linux-mm")
    epoch.add(mails[1])
    assert following.read_on(lists.follow("linux-mm", str(epoch.path))) == 1


def test_a_new_list_needs_the_address_to_post_to(epoch: Epoch) -> None:
    with pytest.raises(OperatorError, match="say where one posts: --address"):
        lists.follow("mm-devel", str(epoch.path))
    row = lists.follow("mm-devel", str(epoch.path), "mm-devel@lists.example.org")
    assert row.list_id == "mm-devel.lists.example.org"


def test_what_is_no_archive_is_not_followed(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        lists.follow("linux-mm", str(tmp_path))
    assert not models.MailingList.objects.exclude(epochs="").exists()
    with pytest.raises(NotFoundError, match="No list named 'linux-mm' is followed"):
        lists.forget("linux-mm")


def test_the_command_shows_what_is_followed(epoch: Epoch) -> None:
    said = StringIO()
    call_command("lists", "follow", "linux-mm", str(epoch.path), stdout=said)
    call_command("lists", stdout=said)
    assert f"linux-mm: follows {epoch.path} from now on" in said.getvalue()
    assert "linux-kernel            0 mails  not followed" in said.getvalue()
