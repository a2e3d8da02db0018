#include "../unit.h"

#include "common/list.h"

struct item {
    int number;       /* which it is */
    struct list link; /* not first, so that LIST_ENTRY has something to do */
};

static void check_order(struct list *head, const int *numbers, size_t count)
{
    size_t at = 0;
    struct item *item;
    LIST_FOR_EACH (item, head, link) {
        assert_true(at < count);
        assert_int_equal(item->number, numbers[at++]);
    }
    assert_int_equal(at, count);
    const struct list *back = head->prev;
    while (at > 0) {
        assert_int_equal(LIST_ENTRY(back, struct item, link)->number, numbers[--at]);
        back = back->prev;
    }
    assert_ptr_equal(back, head);
}

static void test_order(void **state)
{
    (void)state;
    struct item items[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    struct list head;
    list_init(&head);
    assert_true(list_is_empty(&head));
    check_order(&head, NULL, 0);
    list_push_back(&head, &items[1].link);
    list_push_back(&head, &items[2].link);
    list_push_front(&head, &items[0].link);
    list_insert_before(&items[1].link, &items[3].link);
    assert_false(list_is_empty(&head));
    check_order(&head, (int[]){0, 3, 1, 2}, 4);
    list_remove(&items[3].link);
    list_remove(&items[3].link);
    assert_true(list_is_empty(&items[3].link));
    check_order(&head, (int[]){0, 1, 2}, 3);
    assert_ptr_equal(list_pop_front(&head), &items[0].link);
    assert_ptr_equal(list_pop_front(&head), &items[1].link);
    assert_ptr_equal(list_pop_front(&head), &items[2].link);
    assert_null(list_pop_front(&head));
    assert_true(list_is_empty(&head));
}

static void test_the_current_entry_may_go(void **state)
{
    (void)state;
    struct item items[6];
    struct list head;
    list_init(&head);
    for (int i = 0; i < 6; i++) {
        items[i].number = i;
        list_push_back(&head, &items[i].link);
    }
    struct item *item;
    int seen = 0;
    LIST_FOR_EACH (item, &head, link) {
        assert_int_equal(item->number, seen++);
        if (item->number % 2 == 0) {
            list_remove(&item->link);
        }
    }
    assert_int_equal(seen, 6);
    check_order(&head, (int[]){1, 3, 5}, 3);
}

static void test_an_entry_moves_between_lists(void **state)
{
    (void)state;
    struct item item = {.number = 9};
    struct list one;
    struct list two;
    list_init(&one);
    list_init(&two);
    list_push_back(&one, &item.link);
    list_remove(&item.link);
    list_push_back(&two, &item.link);
    check_order(&one, NULL, 0);
    check_order(&two, (int[]){9}, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_the_current_entry_may_go),
        cmocka_unit_test(test_an_entry_moves_between_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
