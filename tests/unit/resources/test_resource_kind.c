#include "fixture.h"

static const struct resource_kind *make(const struct resource_kind *draft,
                                        struct resource_kinds *pool)
{
    return resource_kind_make(draft, pool);
}

static struct resource_kind cpus_draft(void)
{
    return (struct resource_kind){.name = SLICE("cpus"), .type = VALUE_SCALAR};
}

static void test_own_copy(UNUSED void **state)
{
    char name[] = "gpus";
    char role[] = "role";
    struct resource_label label = {slice_from("k"), slice_from(NULL)};
    struct resource_reservation reservation = {
        .type = RESERVATION_DYNAMIC,
        .role = slice_make(role, 4),
        .labels = {&label, 1, true},
    };
    struct resource_kind draft = {
        .name = slice_make(name, 4), .reservations = &reservation, .reservation_count = 1};
    const struct resource_kind *kind = make(&draft, NULL);
    memset(name, 'x', 4);
    memset(role, 'x', 4);
    reservation.type = RESERVATION_STATIC;
    assert_slice(kind->name, "gpus");
    assert_int_equal(kind->common_name, RESOURCE_NAME_GPUS);
    assert_slice(kind->reservations[0].role, "role");
    assert_int_equal(kind->reservations[0].type, RESERVATION_DYNAMIC);
    assert_slice(kind->reservations[0].labels.items[0].key, "k");
    assert_null(kind->reservations[0].labels.items[0].value.data);
    assert_null(kind->reservations[0].principal.data);
    resource_kind_unref(kind);
}

/* Each change of one trait makes another kind. */
static void test_every_trait_counts(UNUSED void **state)
{
    struct resource_reservation reservations[] = {
        {.type = RESERVATION_STATIC, .role = slice_from("a")},
        {.type = RESERVATION_DYNAMIC, .role = slice_from("a")},
        {.type = RESERVATION_DYNAMIC, .role = slice_from("b")},
        {.type = RESERVATION_DYNAMIC, .role = slice_from("a"), .principal = slice_from("")},
        {.type = RESERVATION_DYNAMIC, .role = slice_from("a"), .principal = slice_from("p")},
        {.type = RESERVATION_DYNAMIC, .role = slice_from("a"), .labels = {.is_set = true}},
    };
    struct resource_disk disks[] = {
        {.persistence_id = slice_from("id")},
        {.persistence_id = slice_from("id2")},
        {.has_source = true, .source = DISK_SOURCE_PATH},
        {.has_source = true, .source = DISK_SOURCE_PATH, .has_path = true},
        {.has_source = true,
         .source = DISK_SOURCE_PATH,
         .has_path = true,
         .path_root = slice_from("/a")},
        {.has_source = true, .source = DISK_SOURCE_MOUNT},
        {.has_source = true, .source = DISK_SOURCE_RAW, .profile = slice_from("p")},
        {.has_source = true, .source = DISK_SOURCE_RAW, .id = slice_from("p")},
        {.has_source = true, .source = DISK_SOURCE_RAW, .vendor = slice_from("p")},
        {.has_source = true, .source = DISK_SOURCE_RAW, .metadata = {.is_set = true}},
    };
    const struct resource_kind *kinds[64];
    size_t count = 0;
    struct resource_kind draft = cpus_draft();
    kinds[count++] = make(&draft, NULL);
    draft.type = VALUE_SET;
    kinds[count++] = make(&draft, NULL);
    draft = cpus_draft();
    draft.name = SLICE("mem");
    kinds[count++] = make(&draft, NULL);
    draft = cpus_draft();
    draft.is_revocable = true;
    kinds[count++] = make(&draft, NULL);
    draft = cpus_draft();
    draft.is_shared = true;
    kinds[count++] = make(&draft, NULL);
    draft = cpus_draft();
    draft.has_allocation = true;
    kinds[count++] = make(&draft, NULL);
    draft.allocation_role = SLICE("a");
    kinds[count++] = make(&draft, NULL);
    draft = cpus_draft();
    draft.provider_id = SLICE("a");
    kinds[count++] = make(&draft, NULL);
    for (size_t i = 0; i < ELEMENTS(reservations); i++) {
        draft = cpus_draft();
        draft.reservations = &reservations[i];
        draft.reservation_count = 1;
        kinds[count++] = make(&draft, NULL);
    }
    draft.reservations = reservations;
    draft.reservation_count = 3;
    kinds[count++] = make(&draft, NULL);
    for (size_t i = 0; i < ELEMENTS(disks); i++) {
        draft = cpus_draft();
        draft.has_disk = true;
        draft.disk = &disks[i];
        kinds[count++] = make(&draft, NULL);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            assert_int_equal(resource_kind_equal(kinds[i], kinds[j]), i == j);
        }
        const struct resource_kind *again = make(kinds[i], NULL);
        assert_ptr_not_equal(again, kinds[i]);
        assert_true(resource_kind_equal(again, kinds[i]));
        resource_kind_unref(again);
    }
    for (size_t i = 0; i < count; i++) {
        resource_kind_unref(kinds[i]);
    }
}

/* The order of labels and how a volume is mounted do not tell kinds apart. */
static void test_what_does_not_count(UNUSED void **state)
{
    struct resource_label labels[] = {
        {slice_from("a"), slice_from("1")},
        {slice_from("b"), slice_from(NULL)},
        {slice_from("a"), slice_from("1")},
    };
    struct resource_label turned[] = {labels[1], labels[0], labels[2]};
    struct resource_label other[] = {labels[1], labels[1], labels[0]};
    struct resource_labels a = {labels, 3, true};
    struct resource_labels b = {turned, 3, true};
    struct resource_labels c = {other, 3, true};
    assert_true(resource_labels_equal(&a, &b));
    assert_false(resource_labels_equal(&a, &c));

    struct resource_reservation with_a = {
        .type = RESERVATION_DYNAMIC, .role = SLICE("r"), .labels = a};
    struct resource_reservation with_b = with_a;
    with_b.labels = b;
    struct resource_disk mounted = {.persistence_id = SLICE("id"), .volume = SLICE("\n\1x")};
    struct resource_disk made = {.persistence_id = SLICE("id"),
                                 .persistence_principal = SLICE("p")};
    struct resource_kind draft = {.name = SLICE("disk"),
                                  .has_disk = true,
                                  .disk = &mounted,
                                  .reservations = &with_a,
                                  .reservation_count = 1};
    struct resource_kinds pool;
    resource_kinds_init(&pool);
    const struct resource_kind *left = make(&draft, &pool);
    draft.disk = &made;
    draft.reservations = &with_b;
    const struct resource_kind *right = make(&draft, &pool);
    assert_true(resource_kind_equal(left, right));
    /* Yet each keeps what it was made with. */
    assert_slice(left->disk->volume, "\n\1x");
    assert_null(right->disk->volume.data);
    assert_slice(right->disk->persistence_principal, "p");
    resource_kind_unref(left);
    resource_kind_unref(right);
    resource_kinds_deinit(&pool);
}

static void test_pool_shares_and_sweeps(UNUSED void **state)
{
    struct resource_kinds pool;
    resource_kinds_init(&pool);
    struct resource_kind draft = cpus_draft();
    const struct resource_kind *held = make(&draft, &pool);
    for (int i = 0; i < 5000; i++) {
        char role[16];
        snprintf(role, sizeof(role), "role%d", i);
        const struct resource_kind *one = resource_kind_allocated(held, slice_from(role), &pool);
        const struct resource_kind *two = resource_kind_allocated(held, slice_from(role), &pool);
        assert_ptr_equal(one, two);
        resource_kind_unref(one);
        resource_kind_unref(two);
    }
    assert_true(pool.count <= 1000);
    assert_true(pool.capacity <= 4096);
    resource_kinds_sweep(&pool);
    assert_int_equal(pool.count, 1);
    const struct resource_kind *again = make(&draft, &pool);
    assert_ptr_equal(held, again);
    resource_kind_unref(held);
    resource_kind_unref(again);
    resource_kinds_deinit(&pool);
    assert_int_equal(pool.count, 0);
}

static void test_changes(UNUSED void **state)
{
    struct resource_kind draft = cpus_draft();
    const struct resource_kind *plain = make(&draft, NULL);
    const struct resource_kind *allocated = resource_kind_allocated(plain, SLICE("a"), NULL);
    assert_slice(allocated->allocation_role, "a");
    const struct resource_kind *back = resource_kind_unallocated(allocated, NULL);
    assert_true(resource_kind_equal(plain, back));
    assert_false(resource_kind_equal(plain, allocated));

    struct resource_reservation eng = {.type = RESERVATION_STATIC, .role = SLICE("eng")};
    struct resource_reservation dev = {.type = RESERVATION_DYNAMIC, .role = SLICE("eng/dev")};
    struct resource_reservation prod = {.type = RESERVATION_DYNAMIC, .role = SLICE("eng/prod")};
    const struct resource_kind *one = resource_kind_with_pushed(plain, &eng, NULL);
    const struct resource_kind *two = resource_kind_with_pushed(one, &dev, NULL);
    const struct resource_kind *other = resource_kind_with_pushed(one, &prod, NULL);
    assert_int_equal(two->reservation_count, 2);
    assert_int_equal(resource_kind_common_reservations(two, other), 1);
    assert_int_equal(resource_kind_common_reservations(two, two), 2);
    assert_int_equal(resource_kind_common_reservations(two, plain), 0);
    const struct resource_kind *popped = resource_kind_with_reservations(two, 1, NULL);
    assert_true(resource_kind_equal(popped, one));

    resource_kind_unref(plain);
    resource_kind_unref(allocated);
    resource_kind_unref(back);
    resource_kind_unref(one);
    resource_kind_unref(two);
    resource_kind_unref(other);
    resource_kind_unref(popped);
}

static void test_without_volume(UNUSED void **state)
{
    struct resource_disk disk = {.has_source = true,
                                 .source = DISK_SOURCE_MOUNT,
                                 .has_mount = true,
                                 .mount_root = SLICE("/d"),
                                 .persistence_id = SLICE("id"),
                                 .volume = SLICE("\n\1x")};
    struct resource_kind draft = {
        .name = SLICE("disk"), .has_disk = true, .disk = &disk, .is_shared = true};
    const struct resource_kind *volume = make(&draft, NULL);
    const struct resource_kind *mount = resource_kind_without_volume(volume, NULL);
    assert_true(volume->is_exclusive && mount->is_exclusive);
    assert_false(mount->is_shared);
    assert_true(mount->has_disk);
    assert_null(mount->disk->persistence_id.data);
    assert_null(mount->disk->volume.data);
    assert_slice(mount->disk->mount_root, "/d");
    resource_kind_unref(volume);
    resource_kind_unref(mount);

    disk.has_source = false;
    volume = make(&draft, NULL);
    const struct resource_kind *root = resource_kind_without_volume(volume, NULL);
    assert_false(root->has_disk);
    assert_false(root->is_exclusive);
    resource_kind_unref(volume);
    resource_kind_unref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_copy),
        cmocka_unit_test(test_every_trait_counts),
        cmocka_unit_test(test_what_does_not_count),
        cmocka_unit_test(test_pool_shares_and_sweeps),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_without_volume),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
