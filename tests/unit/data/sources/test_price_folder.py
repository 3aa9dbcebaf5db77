"""Which files a person may name who asks for a run."""

import pytest

from src.config.sections.services import DashboardSettings
from src.config.settings import Settings
from src.core.errors import UsageError
from src.data.sources.price_folder import files_inside, path_inside


@pytest.fixture
def settings(tmp_path):
    """Settings of an installation with a folder for prices, which holds one file."""
    folder = tmp_path / "home" / "prices"
    folder.mkdir(parents=True)
    (folder / "A.csv").write_text("Date,Close\n")
    return Settings(home=tmp_path / "home")


def test_files_of_the_folder_are_taken_by_name_and_by_their_whole_path(settings):
    folder = settings.home / "prices"
    assert files_inside(" A.csv ", settings) == folder / "A.csv"
    assert path_inside(str(folder / "A.csv"), settings) == folder / "A.csv"
    assert files_inside("x/../.", settings) == folder
    # That a file is not there is said when it is read.
    assert path_inside("B.csv", settings) == folder / "B.csv"


@pytest.mark.parametrize(
    "typed", ["/etc/passwd", "../prices2/A.csv", "..", "x/../../A.csv", "circle", "out/A.csv", "\0"]
)
def test_nothing_else_is(settings, typed):
    folder = settings.home / "prices"
    (folder / "circle").symlink_to(folder / "circle")
    (folder / "out").symlink_to(settings.home)
    with pytest.raises(UsageError, match=r"Only files in .*FORECAST_DASHBOARD__PRICES_FOLDER"):
        path_inside(typed, settings)


@pytest.mark.parametrize("name", ["link.csv", "link.csv.zip", "link.parquet", "link.json"])
def test_a_folder_with_a_link_that_leads_out_of_it_is_refused(settings, tmp_path, name):
    (tmp_path / "B.csv").write_text("Date,Close\n")
    (settings.home / "prices" / name).symlink_to(tmp_path / "B.csv")
    with pytest.raises(UsageError, match=f"{name} is a link that leads out"):
        files_inside(".", settings)


def test_the_folder_may_be_another_one_and_itself_a_link(settings, tmp_path):
    (tmp_path / "to_prices").symlink_to(settings.home / "prices")
    moved = DashboardSettings(prices_folder=tmp_path / "to_prices")
    settings = settings.model_copy(update={"dashboard": moved})
    assert files_inside("A.csv", settings) == settings.home / "prices" / "A.csv"
    with pytest.raises(UsageError):
        path_inside("../B.csv", settings)
