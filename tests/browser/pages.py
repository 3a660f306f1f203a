"""Every page, by a name and how to come to it: for the accessibility checks and the screenshots alike."""

from collections.abc import Callable

from playwright.sync_api import Page

PASSPHRASE = "four green lamps at dusk"
Visit = Callable[[Page], object]


def _to(path: str) -> Visit:
    return lambda page: page.goto(path)


def _first_infusion(ending: str) -> Visit:
    def visit(page: Page) -> None:
        page.goto("/infusions")
        address = page.locator('.list a[href^="/infusions/"]').first.get_attribute("href")
        page.goto(f"{address}{ending}")

    return visit


def _logged_day(ending: str) -> Visit:
    def visit(page: Page) -> None:
        page.goto("/check-ins")
        page.locator(".list a.item", has_text="Mood").first.click()
        link = page.locator(f'a[href$="/{ending}"]').first.get_attribute("href") if ending else None
        if link:
            page.goto(link)

    return visit


def _unlogged_day(button: str | None = None) -> Visit:
    """The form of the newest day before today that holds nothing; with a button, as it answers to an empty form."""

    def visit(page: Page) -> None:
        page.goto("/check-ins")
        page.locator(".list a.item", has_text="Fill it in").filter(has_not_text="Today").first.click()
        if button:
            page.get_by_role("button", name=button).click()
            page.locator("#errors").wait_for()

    return visit


def _bad_form(path: str, button: str) -> Visit:
    def visit(page: Page) -> None:
        page.goto(path)
        page.get_by_role("button", name=button).click()
        page.locator("#errors").wait_for()

    return visit


PUBLIC: dict[str, Visit] = {
    "home": _to("/"),
    "sign-up": _to("/sign-up"),
    "sign-up-errors": _bad_form("/sign-up", "Start my journal"),
    "sign-in": _to("/sign-in"),
    "reset": _to("/account/reset"),
    "reset-asked": _to("/account/reset/asked"),
    "link-gone": _to("/account/reset/no-such-token"),
    "help-now": _to("/help-now"),
    "help-elsewhere": _to("/help-now?elsewhere=1&country="),
    "not-found": _to("/no-such-page"),
}
MINE: dict[str, Visit] = {
    "today": _unlogged_day(),
    "today-errors": _unlogged_day("Save this day"),
    "day": _logged_day(""),
    "day-edit": _logged_day("edit"),
    "day-delete": _logged_day("delete"),
    "days": _to("/check-ins"),
    "measures": _to("/check-ins/measures"),
    "infusions": _to("/infusions"),
    "infusion": _first_infusion(""),
    "infusion-new": _to("/infusions/new"),
    "infusion-edit": _first_infusion("/edit"),
    "infusion-delete": _first_infusion("/delete"),
    "plan": _to("/infusions/plan"),
    "after-all": _first_infusion("/after?part=first&all=1"),
    "after-next-day": _first_infusion("/after?part=next-day"),
    "trends": _to("/trends"),
    "trends-14": _to("/trends?days=14"),
    "trends-all": _to("/trends?days=all&measure=anxiety"),
    "account": _to("/account"),
    "account-name": _to("/account/name"),
    "account-zone": _to("/account/zone"),
    "account-treated-for": _to("/account/treated-for"),
    "account-sessions": _to("/account/sessions"),
    "account-address": _to("/account/address"),
    "account-passphrase": _to("/account/passphrase"),
    "welcome-name": _to("/welcome/name"),
    "welcome-country": _to("/welcome/country"),
    "welcome-day-end": _to("/welcome/day-end"),
    "welcome-ready": _to("/welcome/ready"),
    "help-saved": _to("/help-now?saved=1"),
}


def sign_in(page: Page, email: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/today")
