"""What of an objective's budget is spent, worked out by hand."""

from datetime import date

import pytest

from heyday.domain.error_budget import OBJECTIVE, Objective, first_of_month


def test_a_thousandth_of_what_counts_may_miss_the_objective() -> None:
    budget = OBJECTIVE.budget(kept=99_950, missed=50)
    assert budget.counted == 100_000
    assert budget.allowed == pytest.approx(100)
    assert budget.spent == pytest.approx(0.5)
    assert budget.achieved == pytest.approx(0.9995)
    assert not budget.is_overspent


def test_one_in_ten_of_few_spends_it_a_hundred_times() -> None:
    budget = OBJECTIVE.budget(kept=9, missed=1)
    assert budget.spent == pytest.approx(100)
    assert budget.is_overspent


def test_a_budget_that_is_spent_to_the_last_is_not_overspent() -> None:
    assert not Objective(share=0.5).budget(kept=1, missed=1).is_overspent


def test_nothing_spends_nothing() -> None:
    budget = OBJECTIVE.budget(kept=0, missed=0)
    assert (budget.spent, budget.achieved, budget.is_overspent) == (0, None, False)


@pytest.mark.parametrize("share", [0, 1, -0.1, 99.9])
def test_a_share_that_leaves_no_budget_cannot_be_promised(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Objective(share=share)


def test_the_budget_of_a_day_began_with_its_month() -> None:
    assert first_of_month(date(2028, 2, 29)) == date(2028, 2, 1)
