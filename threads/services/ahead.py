"""Building the bases of followed trees before the first series rests on them."""

from __future__ import annotations

import logging
import posixpath

from django.conf import settings

from reviewbot.builds import configurations
from reviewbot.errors import ReviewError
from reviewbot.tree.readers import GitFiles
from reviewbot.tree.store import Store
from threads import models
from threads.lanes import BUILD
from threads.services.building import builder_of, sources
from threads.services.queue import UNSETTLED

log = logging.getLogger(__name__)

#: what most series for the memory management touch
FOLDERS = ("arch/arm64/mm", "mm")
#: objects that are built before the next look whether somebody waits
_PORTION = 16


def warm() -> int:
    """Build the memory management of the followed trees as they are now, while nobody waits for a build.

    What is built already costs nothing; how much is kept is a setting. A tree
    that does not build keeps none of the others.

    :return: how many objects are there for a first series.
    """
    built = 0
    for tree in models.Tree.objects.exclude(commit="") if settings.BUILD_ENABLED else ():
        if not tree.followed:
            continue
        try:
            built += _warm(tree.commit)
        except ReviewError as error:
            log.warning("%s is not built ahead: %s", tree.name, error)
    return built


def _warm(commit: str) -> int:
    wanted = _objects(commit)
    configuration = configurations.DEFCONFIG
    tree_id = str(Store(settings.STORE).commit(commit).tree_id)
    built = 0
    with sources() as (pool, slot):
        for start in range(0, len(wanted), _PORTION):
            if models.Run.objects.filter(check_name=BUILD, state__in=UNSETTLED).exists():
                break
            source = pool.checkout(commit, slot, fresh=False)
            portion = wanted[start : start + _PORTION]
            built += len(builder_of(configuration).warm(source, tree_id, configuration, portion).objects)
    return built


def _objects(commit: str) -> list[str]:
    files = GitFiles(settings.STORE, commit)
    sources = [path for folder in FOLDERS for path in files.paths(folder) if path.endswith((".c", ".S"))]
    return [f"{posixpath.splitext(path)[0]}.o" for path in sources if posixpath.dirname(path) in FOLDERS]
