"""Odd lines of CLIENT LIST: whatever stands in them, no client is counted twice or lost."""

from hypothesis import given
from hypothesis import strategies as st

from collectors.redis.clients import USED, groups, parsed
from collectors.rest import REST

TEXT = st.text(st.characters(codec="utf-8", exclude_characters=" \n"), max_size=6)
OTHERS = ("id", "laddr", "user", "lib-name", "tot-net-in", "name2")


@st.composite
def lines(draw: st.DrawFn) -> dict[str, str]:
    names = draw(st.permutations([*USED, *OTHERS]))
    gone = draw(st.sets(st.sampled_from(names), max_size=3))
    return {name: draw(TEXT | st.just("name=x")) for name in names if name not in gone or name == "id"}


@given(st.lists(lines(), max_size=6))
def test_each_field_is_found_by_its_name(clients: list[dict[str, str]]) -> None:
    text = "\n".join(" ".join(f"{name}={value}" for name, value in client.items()) for client in clients)
    assert parsed(text + "\n") == [{name: client.get(name, "") for name in USED} for client in clients]


def test_a_user_whose_name_holds_an_end_of_line_of_unicode_is_one_client() -> None:
    assert len(parsed("id=1 addr=a:1 name= user=a\u2028b cmd=get\n")) == 1


def test_a_client_that_calls_itself_as_the_rest_is_called_hides_no_other() -> None:
    line = "addr=127.0.0.1:9 name={} age=1 idle=0 flags=N qbuf=0 omem=0 tot-mem=7 cmd=get"
    told = parsed("\n".join(map(line.format, (REST, REST, "shown", "new"))))
    rows, left = groups(told, "", lambda names: [*{*names} - {"new"}])
    assert {(row["name"], row["state"]): row["clients"] for row in rows} == {
        (REST, "normal"): 3,
        ("shown", "normal"): 1,
    }
    assert len(rows) == 2
    assert left == 2
