"""Hints at what was meant."""

from cnn_suite.nearest_names import did_you_mean, did_you_mean_or_all, nearest_names

KNOWN = ("resnet20", "resnet32", "lenet5")


def test_the_nearest_comes_first_and_what_is_far_away_not_at_all():
    assert nearest_names("resnet30", KNOWN, most=3) == ["resnet32", "resnet20"]
    assert nearest_names("???", KNOWN, most=3) == []


def test_a_hint_follows_a_sentence_or_is_nothing():
    assert did_you_mean("lenet", KNOWN) == " Did you mean 'lenet5'?"
    assert did_you_mean("resnet30", KNOWN, most=2) == " Did you mean 'resnet32' or 'resnet20'?"
    assert did_you_mean("???", KNOWN) == did_you_mean("lenet", ()) == ""


def test_a_lower_bar_finds_what_is_less_alike():
    # difflib's ratio of "dgo" and "doge": twice 2 letters in order of 7 in all, 0.57
    assert (did_you_mean("dgo", ["doge"]), did_you_mean("dgo", ["doge"], cutoff=0.5)) == ("", " Did you mean 'doge'?")


def test_where_none_is_alike_all_are_named():
    assert did_you_mean_or_all("resnt", KNOWN) == " Did you mean 'resnet32' or 'resnet20'?"
    assert did_you_mean_or_all("???", KNOWN) == " Known: resnet20, resnet32, lenet5."
