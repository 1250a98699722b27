// A table from pagetable_alloc() goes back through pagetable_free(): the page
// functions know neither its order nor what the descriptor will become.
virtual report

@mixed@
expression gfp, order, other;
struct ptdesc *d;
position p;
@@
d = pagetable_alloc(gfp, order)
... when != d = other
(
__free_page@p(ptdesc_page(d))
|
__free_pages@p(ptdesc_page(d), ...)
|
free_page@p((unsigned long)ptdesc_address(d))
|
free_pages@p((unsigned long)ptdesc_address(d), ...)
)

@script:python depends on report@
p << mixed.p;
@@
coccilib.report.print_report(p[0], "ERROR: memory of pagetable_alloc() is freed as pages, not with pagetable_free()")
