"""A series without a cover letter: patch 2 answers patch 1, and what is said about patch 2 stands there alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client

from tests.series.posting import patch, reply
from threads import links, models
from threads.services import messages
from threads.services.assembly import assemble_threads

pytestmark = pytest.mark.django_db


def test_an_answer_to_the_second_patch_is_none_to_the_first(client: Client) -> None:
    first = patch("PATCH 1/2", "mm: step 1", id="one@example.org")
    second = patch("PATCH 2/2", "mm: step 2", id="two@example.org", to=first.message_id, minutes=1)
    said = reply(second, "> +\tmm:_step_2();\n\nWhere is this freed?\n")
    said = replace(said, references=(first.message_id, second.message_id))
    more = replace(reply(said, "I wonder, too.\n", minutes=90), references=(*said.references, said.message_id))
    kept = messages.keep_parsed([first, second, said, more])
    assemble_threads(kept.grown, kept.rows)
    pages = [client.get(links.to_patch("all", one.message_id)).content.decode() for one in (first, second)]
    assert ["Where is this freed?" in page for page in pages] == [False, True]
    assert ["I wonder, too." in page for page in pages] == [False, True]
    assert models.Series.objects.get().expected == 2
