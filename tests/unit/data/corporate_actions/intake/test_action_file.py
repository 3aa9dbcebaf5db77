import json

import pytest

from src.core.errors import BadInput
from src.data.corporate_actions.intake.action_file import read_action_file

NSE = '"SYMBOL","COMPANY NAME","SERIES","PURPOSE","FACE VALUE","EX-DATE","RECORD DATE"\n'
ROW = '"ACME","Acme, Limited","EQ"," Bonus 1:1","10","07-Jan-2016","08-Jan-2016"\n'


def written(tmp_path, content):
    path = tmp_path / "actions.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        NSE + ROW,
        "\ufeff" + NSE + ROW,
        (NSE + ROW).encode("utf-16"),
        (NSE + ROW).replace("\n", "\r\n"),
        "Corporate actions\n\n" + NSE + ROW,
        (NSE + ROW).replace('","', '";"'),
        NSE + ROW + NSE,
    ],
    ids=["plain", "bom", "utf-16", "crlf", "title", "semicolons", "joined"],
)
def test_a_list_of_nse_is_read_however_it_was_saved(tmp_path, content):
    file = read_action_file(written(tmp_path, content))

    assert file.source == "nse"
    (record,) = file.records
    assert (record["SYMBOL"], record["PURPOSE"]) == ("ACME", "Bonus 1:1")


@pytest.mark.parametrize("wrap", [list, lambda rows: {"data": rows}])
def test_an_answer_of_nse_is_read(tmp_path, wrap):
    rows = [{"symbol": "ACME", "series": "EQ", "subject": "Bonus 1:1", "exDate": "07-Jan-2016"}]
    file = read_action_file(written(tmp_path, json.dumps(wrap(rows))))
    assert (file.source, file.records) == ("nse", rows)


def test_lines_of_bse_may_end_with_a_separator(tmp_path):
    content = (
        "Security Code,Security Name,Company Name,Ex Date,Purpose\n"
        "500001,ACME,Acme Ltd,07 Jan 2016,Bonus issue 1:1,\n"
    )
    file = read_action_file(written(tmp_path, content))
    assert (file.source, file.records[0]["Purpose"]) == ("bse", "Bonus issue 1:1")


def test_a_file_of_yahoo_is_told_from_the_lists(tmp_path):
    file = read_action_file(written(tmp_path, "Date,Stock Splits\n2018-05-31,2:1\n"))
    assert (file.source, file.lines) == ("yahoo", [2])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("Date,Close\n2024-01-02,2\n", "it has no column Dividends: give a CSV file with"),
        (
            "SYMBOL,NAME OF COMPANY, SERIES, DATE OF LISTING, ISIN NUMBER, FACE VALUE\n",
            "it is a list of shares, not of corporate actions: bring it in with `python -m "
            "src.data.instruments import",
        ),
        ("a,b\n1,2\n", "it is no list of corporate actions: give NSE's or BSE's list"),
        (NSE, "it has no rows"),
        ("[]", "it has no rows"),
        ("[1, 2]", "it is no list of actions"),
        ('{"message": "Forbidden"}', "it is no list of actions"),
        ("[{", "it is no JSON"),
        (NSE + ROW.strip() + ',"more"\n', "it is not a table in CSV"),
    ],
)
def test_another_file_is_refused_in_one_sentence(tmp_path, content, sentence):
    path = written(tmp_path, content)
    with pytest.raises(BadInput) as refusal:
        read_action_file(path)
    assert str(refusal.value).startswith(f"{path}: {sentence}")
