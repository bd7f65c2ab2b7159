/*
 * mm/page_type.c, pt_entry.c, pt_update.c, frame_table.c: random operations
 * of a guest against a model that knows only this: what is pinned or held,
 * and what the tables contain.  From that it derives, from scratch and before
 * each operation, whether it may succeed, and after it, every use and every
 * reference of every frame.
 */
#include "fake_mm.h"
#include "x86/desc.h"

#define OWN     (FRAMES - OTHERS)
#define SLOTS   ARRAY_SIZE(slots)
#define HOLDS   12
#define ROUNDS  60000

/* The entries that get used: the first, the last, some; in an L4, 260 is not
 * the guest's. */
static const unsigned int slots[] = { 0, 1, 260, 300, 511 };

/* What each frame is mostly used for, so that trees come about: the first of
 * the data, L1, L2, L3, L4 frames. */
static const mfn_t group[] = { 1, 7, 12, 16, 18, OWN };

static unsigned int group_of(mfn_t mfn)
{
    unsigned int g = 4;

    while (mfn < group[g] && g)
        g--;
    return g;
}

static mfn_t random_of_group(unsigned int g)
{
    return group[g] + rnd(group[g + 1] - group[g]);
}

/* A pin, or a use that a hypercall or a root holds. */
struct hold {
    mfn_t mfn;
    enum page_type type;             /* PGT_NONE: slot is free */
    bool pin;
};
static struct hold holds[HOLDS];

/* What the model derives. */
struct model {
    enum page_type type[FRAMES];
    unsigned int uses[FRAMES], refs[FRAMES];
    bool ok;
};

static void model_use(struct model *m, mfn_t mfn, enum page_type type);

static void model_ref(struct model *m, pte_t e, bool own_only)
{
    mfn_t mfn = pte_mfn(e);

    if (mfn >= FRAMES || !mfn || mfn == HOLE ||
        mfn >= (own_only ? OWN : FRAMES))
        m->ok = false;
    else
        m->refs[mfn]++;
}

static void model_entry(struct model *m, pte_t e, unsigned int lvl)
{
    const pte_t cache = PTE_PWT | PTE_PCD | PTE_PAT;

    if (!(e & PTE_PRESENT))
        return;
    if (lvl > 1 ? e & (PTE_PSE | PTE_GLOBAL | PTE_PCD | PTE_PWT) : e & cache)
        m->ok = false;
    model_ref(m, e, true);
    if (!m->ok)
        return;
    if (lvl > 1)
        model_use(m, pte_mfn(e), PGT_L1 + lvl - 2);
    else if (e & PTE_RW)
        model_use(m, pte_mfn(e), PGT_WRITABLE);
}

/* A use of a frame; the first one of a table takes its entries. */
static void model_use(struct model *m, mfn_t mfn, enum page_type type)
{
    if (!m->ok)
        return;
    if (m->uses[mfn] && m->type[mfn] != type) {
        m->ok = false;
        return;
    }
    m->type[mfn] = type;
    if (m->uses[mfn]++ || type == PGT_WRITABLE)
        return;
    for (unsigned int i = 0; i < SLOTS; i++) {
        pte_t e = table(mfn)[slots[i]];

        if (type == PGT_SEG_DESC)
            m->ok = m->ok && desc_check(&e);
        else if (type < PGT_L4 || slot_is_guest(slots[i]))
            model_entry(m, e, type - PGT_L1 + 1);
    }
}

static struct model derive(void)
{
    struct model m = { .ok = true };

    for (unsigned int i = 0; i < HOLDS; i++)
        if (holds[i].type != PGT_NONE) {
            m.refs[holds[i].mfn]++;
            model_use(&m, holds[i].mfn, holds[i].type);
        }
    return m;
}

/* Did translations of a former type survive until a frame became another? */
static uint32_t ended[FRAMES];
static struct model before;

static void check_flushes(const struct model *now)
{
    for (mfn_t mfn = 1; mfn < OWN; mfn++) {
        if (before.uses[mfn] && !now->uses[mfn])
            ended[mfn] = clock_now;
        if (!before.uses[mfn] && now->uses[mfn] &&
            before.type[mfn] != PGT_NONE &&
            before.type[mfn] != now->type[mfn])
            assert_true(flushed_at[0] > ended[mfn]);
    }
    before = *now;
}

static void check_state(void)
{
    struct model m = derive();

    assert_true(m.ok);
    for (mfn_t mfn = 1; mfn < OWN; mfn++) {
        uint64_t t = frames[mfn].type;

        assert_int_equal(t & PGT_USES, m.uses[mfn]);
        assert_int_equal(frames[mfn].count & PGC_REFS, m.refs[mfn] + 1);
        assert_false(t & (PGT_LOCKED | PGT_PARTIAL));
        if (m.uses[mfn]) {
            assert_int_equal(pgt_of(t), m.type[mfn]);
            assert_true(t & PGT_VALIDATED);
        } else {
            m.type[mfn] = pgt_of(t);     /* what it was last */
        }
        assert_false(freed[mfn]);
    }
    for (unsigned int i = 0; i < HOLDS; i++)
        if (holds[i].pin)
            assert_true(frames[holds[i].mfn].type & PGT_PINNED);
    check_flushes(&m);
}

/* Operations are executed again as hypercalls are. */
static int again(int rc)
{
    while (page_deferred(current) && page_deferred_finish(current))
        ;
    return rc;
}

static struct hold *free_hold(void)
{
    for (unsigned int i = 0; i < HOLDS; i++)
        if (holds[i].type == PGT_NONE)
            return &holds[i];
    return NULL;
}

static bool is_pinned(mfn_t mfn)
{
    for (unsigned int i = 0; i < HOLDS; i++)
        if (holds[i].pin && holds[i].mfn == mfn)
            return true;
    return false;
}

/* A pin or a hold of a random frame as a random type. */
static void op_take(void)
{
    struct hold *h = free_hold();
    enum page_type type = PGT_L1 + rnd(PGT_WRITABLE);
    mfn_t mfn = type <= PGT_L4 && rnd(5) ? random_of_group(type)
                                         : rnd(FRAMES + 2);
    bool pin = type <= PGT_L4 && rnd(2), expect;
    struct page_info *pg;
    int rc;

    if (!h)
        return;
    *h = (struct hold){ mfn, type, pin };
    expect = mfn && mfn < OWN;
    if (expect) {
        *h = (struct hold){ 0 };
        expect = !(pin && is_pinned(mfn));
        *h = (struct hold){ mfn, type, pin };
        expect = expect && derive().ok;
    }
    do
        rc = again(pin ? page_pin(mfn, type, &doms[0])
                       : page_get_typed(mfn, type, &doms[0], &pg));
    while (rc == -ERESTART);
    assert_int_equal(rc, expect ? 0 : -EINVAL);
    if (rc)
        *h = (struct hold){ 0 };
}

static void op_release(void)
{
    struct hold *h = &holds[rnd(HOLDS)], old = *h;
    mfn_t mfn = rnd(OWN);

    if (old.type == PGT_NONE || (!old.pin && !rnd(3))) {
        if (mfn && !is_pinned(mfn))
            assert_int_equal(again(page_unpin(mfn, &doms[0])), -EINVAL);
        return;
    }
    *h = (struct hold){ 0 };
    if (old.pin)
        assert_int_equal(again(page_unpin(old.mfn, &doms[0])), 0);
    else
        page_put_typed(mfn_to_page(old.mfn));
    again(0);
}

static pte_t random_entry(unsigned int g)
{
    static const pte_t bits[] = {
        PTE_RW, PTE_RW, PTE_USER, PTE_ACCESSED, PTE_DIRTY, PTE_NX,
        PTE_GUEST_KERNEL, 1UL << 9, 1UL << 58, PTE_GNTTAB,
    };
    static const pte_t bad[] = { PTE_PSE, PTE_PCD, PTE_PWT, PTE_GLOBAL };
    mfn_t mfn = g && rnd(8) ? random_of_group(g - 1) : rnd(FRAMES + 2);
    pte_t e = pte_make(mfn, rnd(4) ? PTE_PRESENT : 0);

    for (unsigned int i = rnd(4); i; i--)
        e |= bits[rnd(ARRAY_SIZE(bits))];
    if (!rnd(60))
        e |= bad[rnd(ARRAY_SIZE(bad))];
    return e;
}

/* The guest stores an entry: through the door, or itself if it may. */
static void op_store(void)
{
    mfn_t mfn = 1 + rnd(OWN - 1);
    unsigned int slot = slots[rnd(SLOTS)];
    struct page_info *pg = mfn_to_page(mfn);
    struct model m = derive();
    pte_t val = random_entry(group_of(mfn)), old = table(mfn)[slot];
    bool is_table = m.uses[mfn] && m.type[mfn] <= PGT_L4, expect;
    int rc;

    expect = !is_table || m.type[mfn] < PGT_L4 || slot_is_guest(slot);
    if (is_table && expect) {
        unsigned int lvl = m.type[mfn];

        model_entry(&m, val, lvl);
        expect = m.ok;
        /* What it holds already is not taken again. */
        if ((val & old & PTE_PRESENT) && pte_mfn(val) == pte_mfn(old) &&
            (lvl > 1 || !((val ^ old) & PTE_RW)))
            expect = !(val & (lvl > 1 ? PTE_PSE | PTE_GLOBAL | PTE_PCD |
                                        PTE_PWT
                                      : PTE_PAT | PTE_PCD | PTE_PWT));
    }
    assert_true(page_get(pg, &doms[0]));
    do
        rc = again(pt_update(pg, slot, val, rnd(2) ? PTE_AD : 0, NULL,
                             &doms[0]));
    while (rc == -ERESTART);
    page_put(pg);
    if (is_table) {
        assert_int_equal(rc, expect ? 0 : -EINVAL);
        if (rc)
            assert_true(table(mfn)[slot] == old);
    } else {
        assert_int_equal(rc, -ENOENT);
        if (page_type_get(pg, PGT_WRITABLE) == 0) {
            table(mfn)[slot] = val;
            page_type_put(pg);
        } else {
            assert_true(m.uses[mfn] && m.type[mfn] != PGT_WRITABLE);
        }
    }
}

/* Frames of somebody else, and of nobody, are out of reach. */
static void op_foreign(void)
{
    mfn_t mfn = rnd(2) ? OWN + rnd(OTHERS + 2) : 0;
    struct page_info *pg;

    assert_int_equal(page_get_typed(mfn, PGT_WRITABLE, &doms[0], &pg),
                     -EINVAL);
    assert_null(page_get_mfn(mfn, &doms[0]));
}

/* A pin that is given up half-way, as by a vcpu that stops: the domain's end
 * cleans up after it, and so does another attempt. */
static void op_abandon(void)
{
    mfn_t mfn = 1 + rnd(OWN - 1);
    struct page_info *pg = mfn_to_page(mfn);

    if (is_pinned(mfn) || page_pin(mfn, PGT_L2 + rnd(3), &doms[0]) == 0) {
        if (!is_pinned(mfn))
            again(page_unpin(mfn, &doms[0]));
        return;
    }
    again(0);
    for (mfn = 1; mfn < OWN; mfn++) {
        pg = mfn_to_page(mfn);
        if (pg->type & PGT_PARTIAL) {
            assert_true(page_get(pg, &doms[0]));
            page_drop_pin(pg);
            again(0);
            page_put(pg);
        }
    }
}

static void run(unsigned int seed, unsigned int yields)
{
    rnd_state = seed;
    yield_one_in = yields;
    memset(holds, 0, sizeof(holds));
    memset(ended, 0, sizeof(ended));
    memset(&before, 0, sizeof(before));
    for (unsigned int i = 0; i < ROUNDS; i++) {
        unsigned int what = rnd(32);

        if (what < 6)
            op_take();
        else if (what < 11)
            op_release();
        else if (what < 30)
            op_store();
        else if (what < 31)
            op_foreign();
        else
            op_abandon();
        check_state();
    }
    /* A domain's end: every frame in turn, in any order. */
    for (unsigned int i = 0; i < HOLDS; i++) {
        if (holds[i].type != PGT_NONE && !holds[i].pin)
            page_put_typed(mfn_to_page(holds[i].mfn));
        again(0);
    }
    for (mfn_t mfn = 1; mfn < OWN; mfn++) {
        struct page_info *pg = mfn_to_page(mfn);

        assert_true(page_get(pg, &doms[0]));
        pg->count &= ~PGC_ALLOCATED;
        page_put(pg);
        page_drop_pin(pg);
        again(0);
        page_put(pg);
    }
    for (mfn_t mfn = 1; mfn < OWN; mfn++)
        assert_true(freed[mfn]);
    assert_int_equal(refs[0], 1);
}

static void random_operations(void **state)
{
    (void)state;
    run(1, 0);
}

static void random_operations_preempted(void **state)
{
    (void)state;
    for (unsigned int seed = 2; seed < 6; seed++) {
        fake_mm_setup(NULL);
        run(seed, seed % 2 ? 2 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_operations, fake_mm_setup,
                                        fake_mm_teardown),
        cmocka_unit_test_setup_teardown(random_operations_preempted,
                                        fake_mm_setup, fake_mm_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
