"""The lists that memory-management and arm64 patches are posted to."""

from django.db import migrations

LISTS = [
    ("linux-mm", "linux-mm@kvack.org", "linux-mm.kvack.org"),
    ("linux-arm-kernel", "linux-arm-kernel@lists.infradead.org", "linux-arm-kernel.lists.infradead.org"),
    ("linux-arch", "linux-arch@vger.kernel.org", "linux-arch.vger.kernel.org"),
    ("linux-kernel", "linux-kernel@vger.kernel.org", "linux-kernel.vger.kernel.org"),
    ("linux-riscv", "linux-riscv@lists.infradead.org", "linux-riscv.lists.infradead.org"),
    ("linux-s390", "linux-s390@vger.kernel.org", "linux-s390.vger.kernel.org"),
    ("linuxppc-dev", "linuxppc-dev@lists.ozlabs.org", "linuxppc-dev.lists.ozlabs.org"),
    ("kvmarm", "kvmarm@lists.linux.dev", "kvmarm.lists.linux.dev"),
]


def add(apps, schema_editor):
    model = apps.get_model("threads", "MailingList")
    for name, address, list_id in LISTS:
        model.objects.get_or_create(
            name=name,
            defaults={"address": address, "list_id": list_id, "archive": f"https://lore.kernel.org/{name}"},
        )


class Migration(migrations.Migration):
    dependencies = [("threads", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
