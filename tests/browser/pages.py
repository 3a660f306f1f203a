"""Every page, by a name and how to come to it: for the accessibility checks and the screenshots alike."""

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pyotp
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.chromium import add_device, phone
from tests.browser.post import confirm
from tests.faults.writing import until_held
from tests.push.phone import Phone
from tests.servers import Journal

PASSPHRASE = "four green lamps at dusk"
DEMO = ("demo", "--patients", "6", "--weeks", "12", "--password", PASSPHRASE, "--json")
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


def _clinic_share(ending: str) -> Visit:
    def visit(page: Page) -> None:
        page.goto("/sharing")
        page.locator(".list a.item", has_text="Harbor Light").first.click()
        page.goto(page.url + ending)

    return visit


def _result(ending: str) -> Visit:
    def visit(page: Page) -> None:
        page.goto("/questionnaires")
        page.locator('.list a[href*="/responses/"]').first.click()
        if ending:
            page.goto(page.url + ending)

    return visit


def _read_in(language: str, path: str) -> Visit:
    """The page in that language, whichever the last look left it in."""

    def visit(page: Page) -> None:
        page.goto(path)
        button = page.get_by_role("button", name=language, exact=True)
        if button.count():
            button.click()
            button.wait_for(state="detached")

    return visit


def _some_skipped(page: Page) -> None:
    page.goto("/questionnaires/gad-7/1")
    page.locator(".answer").first.click()
    page.wait_for_url("**/gad-7/2")
    page.goto("/questionnaires/gad-7/end")


def _plan_with_card(page: Page) -> None:
    page.goto("/safety-plan")
    # What it says of this phone comes when the phone's store is open.
    page.locator("#card:not([hidden])").wait_for()


def _bad_number(page: Page) -> None:
    page.goto("/safety-plan/edit")
    page.get_by_label("Their number").fill("call me")
    page.get_by_role("button", name="Save my plan").click()
    page.locator("#errors").wait_for()


def _item_9(page: Page) -> None:
    page.goto("/questionnaires/phq-9/9")
    page.locator(".answer").first.click()
    page.wait_for_url(re.compile("/phq-9/end"))
    page.goto("/questionnaires/phq-9/9")
    page.locator(".answer").nth(2).click()
    page.wait_for_url(re.compile("/help-now"))


def _not_sure(page: Page) -> None:
    page.goto("/help-now")
    page.get_by_role("button", name="Not sure").click()
    page.get_by_text("You answered “Not sure”").wait_for()


def _table(*rows: str) -> Visit:
    """The answer to a table of these rows from Daylio."""

    def visit(page: Page) -> None:
        page.goto("/account/import")
        lines = ["full_date,date,weekday,time,mood,activities,scales,note_title,note", *rows]
        table = {"name": "daylio.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()}
        page.get_by_label("The file").set_input_files(table)
        page.get_by_role("button", name="Go on").click()
        page.get_by_text("From Daylio", exact=True).wait_for()

    return visit


DAYLIO = [
    f'2019-03-{n:02},x,y,8:05 pm,{mood},"work | walk","","","So so"'
    for n, mood in enumerate(["good", "meh"], 1)
]
SHARED: dict[str, str] = {}
"""The link and the passcode that the last visit of "sharing-link" was shown."""


def _preview(page: Page, way: str = "person") -> None:
    page.goto(f"/sharing/new?way={way}")
    if way == "person":
        page.get_by_label("Their email address").fill("somebody@example.org")
    else:
        page.get_by_label("Who is it for?").fill("My sister")
    page.get_by_role("button", name="Show me the page").click()
    page.locator("#summary").wait_for()


def _share_by_link(page: Page) -> None:
    _preview(page, "link")
    page.get_by_role("button", name=re.compile("^Share until")).click()
    again = page.get_by_role("button", name="Share it now")
    page.locator("#passcode").or_(again).first.wait_for()
    if again.is_visible():  # the demo's last infusion was within a day
        again.click()
    SHARED["link"] = page.locator("#link").inner_text()
    SHARED["passcode"] = page.locator("#passcode").inner_text()


def _wrong_passcode(page: Page) -> None:
    page.goto(SHARED["link"])
    page.get_by_label("Passcode").fill("wrong")
    page.get_by_role("button", name="Open the page").click()
    page.locator("#errors").wait_for()


def _right_passcode(page: Page) -> None:
    page.goto(SHARED["link"])
    page.get_by_label("Passcode").fill(SHARED["passcode"])
    page.get_by_role("button", name="Open the page").click()
    page.locator("#summary").wait_for()


def _first_share(ending: str) -> Visit:
    def visit(page: Page) -> None:
        page.goto("/sharing")
        address = page.locator('.list a[href^="/sharing/"]').first.get_attribute("href")
        page.goto(f"{address}{ending}")

    return visit


def _reminders_on(page: Page) -> None:
    page.goto("/reminders")
    again = page.get_by_role("button", name="Turn reminders on again")
    if again.is_visible():  # the last look left them paused
        again.click()
        again.wait_for(state="detached")
    page.get_by_label("Remind me by email").check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("The next one comes").wait_for()


def _reminders_paused(page: Page) -> None:
    _reminders_on(page)
    page.get_by_role("button", name="Pause all reminders").click()
    page.get_by_text("Reminders are paused.").first.wait_for()


def _reminders_phone(page: Page) -> None:
    """With a phone in the list: what its browser would give is put into the form."""
    _reminders_on(page)
    turn_on = page.locator('form[action="/reminders/devices"]')
    if turn_on.count():  # the last visit was by another browser
        told = Phone("https://push.example.net/phone").form
        page.evaluate(
            """(told) => {
              const form = document.querySelector('form[action="/reminders/devices"]');
              for (const name in told) form.elements[name].value = told[name];
              form.submit();
            }""",
            told,
        )
    page.get_by_text("this one").wait_for()


def _unsubscribe(page: Page) -> None:
    """By the link in the mail, which the page of reminders shows."""
    page.goto("/reminders")
    found = re.search(r"/unsubscribe/[\w-]+", page.locator(".framed").inner_text())
    assert found
    page.goto(found[0])


def _unsubscribed(page: Page) -> None:
    _unsubscribe(page)
    page.get_by_role("button", name="Pause all reminders").click()
    page.get_by_role("heading", name="Reminders are paused").wait_for()


def _kept(path: str) -> Visit:
    """A page that the phone keeps, once the phone knows what is asked."""

    def visit(page: Page) -> None:
        page.goto("/today")
        page.evaluate("async () => { await navigator.serviceWorker.ready }")
        until_held(page, "keys", 1)
        page.goto(path)
        page.locator("form[data-entry]:visible, #write:visible, #no-infusion:visible").first.wait_for()

    return visit


def _waiting(page: Page) -> None:
    """One entry that waits, and one that needs attention."""
    _kept("/offline")(page)
    page.evaluate(
        """async (script) => {
          const phone = await import(script);
          const made = { base: 0, after: null, day: "2026-11-20", zone: "America/Denver", captured_at: new Date().toISOString() };
          const entry = (kind, payload) => ({ id: crypto.randomUUID(), entry: crypto.randomUUID(), kind, payload, ...made });
          await phone.keep(entry("check-in", { mood: "99" }));
          await phone.send();
          await phone.keep(entry("poem", { note: "x" }));
        }""",
        page.evaluate(
            "performance.getEntriesByType('resource').map(e => e.name).find(n => n.includes('/phone.'))"
        ),
    )
    page.goto("/offline")
    page.locator(".kept-entry.wrong").wait_for()


PUBLIC: dict[str, Visit] = {
    "home": _to("/"),
    "sign-up": _to("/sign-up"),
    "sign-up-errors": _bad_form("/sign-up", "Start my journal"),
    "sign-in": _to("/sign-in"),
    "sign-in-link": _to("/sign-in/link"),
    "sign-in-link-errors": _bad_form("/sign-in/link", "Email me the link"),
    "sign-in-link-asked": _to("/sign-in/link/asked"),
    "sign-in-link-gone": _to("/sign-in/link/no-such-token"),
    "reset": _to("/account/reset"),
    "reset-asked": _to("/account/reset/asked"),
    "link-gone": _to("/account/reset/no-such-token"),
    "help-now": _to("/help-now"),
    "help-elsewhere": _to("/help-now?elsewhere=1&country="),
    "account-deleted": _to("/account/deleted"),
    "unsubscribe-unknown": _to("/unsubscribe/no-such-link"),
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
    "account-export": _to("/account/export"),
    "account-export-errors": _bad_form("/account/export", "Give me the file"),
    "account-import": _to("/account/import"),
    "account-import-errors": _bad_form("/account/import", "Go on"),
    "account-import-rows": _table(*DAYLIO),
    "account-import-mend": _table(*DAYLIO, "2019-03-09,x,y,8:05 pm,chill,,,,"),
    "account-delete": _to("/account/delete"),
    "account-delete-errors": _bad_form("/account/delete", "Delete my account"),
    "sharing": _to("/sharing"),
    "sharing-choose": _to("/sharing/new"),
    "sharing-form": _to("/sharing/new?way=person"),
    "sharing-errors": _bad_form("/sharing/new?way=person", "Show me the page"),
    "sharing-preview": _preview,
    "sharing-link": _share_by_link,
    "shared-passcode": lambda page: page.goto(SHARED["link"]),
    "shared-wrong": _wrong_passcode,
    "shared": _right_passcode,
    "sharing-share": _first_share(""),
    "sharing-edit": _first_share("/edit"),
    "sharing-seen": _first_share("/preview"),
    "access-log": _to("/sharing/access-log"),
    "shared-none": _to("/shared/no-such-link"),
    "invitation-gone": _to("/invitations/no-such-invitation"),
    "care-nobody": _to("/care"),
    "offline-check-in": _kept("/offline/check-in"),
    "offline-note": _kept("/offline/note"),
    "offline-infusion": _kept("/offline/infusion"),
    "offline-after": _kept("/offline/after-infusion/first"),
    "offline-next-day": _kept("/offline/after-infusion/next-day"),
    "offline-questionnaire": _kept("/offline/questionnaires/phq-9/en"),
    "offline-sign-out": _to("/offline/sign-out"),
    "reminders": _to("/reminders"),
    "reminders-on": _reminders_on,
    "reminders-phone": _reminders_phone,
    "reminders-paused": _reminders_paused,
    "unsubscribe": _unsubscribe,
    "unsubscribed": _unsubscribed,
    "welcome-name": _to("/welcome/name"),
    "welcome-country": _to("/welcome/country"),
    "welcome-day-end": _to("/welcome/day-end"),
    "welcome-ready": _to("/welcome/ready"),
    "sharing-clinic": _clinic_share(""),
    "sharing-clinic-edit": _clinic_share("/edit"),
    "questionnaires": _to("/questionnaires"),
    "question": _read_in("English", "/questionnaires/phq-9/1"),
    "question-numbers": _to("/questionnaires/peg"),
    "question-spanish": _read_in("Español", "/questionnaires/phq-9/9"),
    "question-note": _to("/questionnaires/pcl-5"),
    "question-instructions": _to("/questionnaires/pcl-5/1"),
    "questionnaire-about": _to("/questionnaires/phq-9/about"),
    "questionnaire-result": _result(""),
    "questionnaire-delete": _result("/delete"),
    "questionnaire-end": _some_skipped,
    "safety-plan": _plan_with_card,
    "safety-plan-edit": _to("/safety-plan/edit"),
    "safety-plan-errors": _bad_number,
    # From here on help waits, and comes before everything else.
    "help-item-9": _item_9,
    "help-not-sure": _not_sure,
    "offline-waiting": _waiting,  # last: from now on each page says that something waits
}


def _first_person(ending: str, button: str | None = None) -> Visit:
    def visit(page: Page) -> None:
        page.goto("/care")
        address = page.locator('a[href^="/care/"]').first.get_attribute("href")
        page.goto(f"{address}{ending}")
        if button:
            page.get_by_role("button", name=button, exact=True).click()
            page.locator("#errors").wait_for()

    return visit


def _line_too_long(page: Page) -> None:
    _first_person("")(page)
    page.get_by_label("One line back").fill("A long line. " * 30)
    page.get_by_role("button", name="Mark reviewed").click()
    page.locator("#errors").wait_for()


CARE: dict[str, Visit] = {
    # What Dr Lee sees, with whom most of the demo's patients share.
    "care": _to("/care"),
    "care-find": _to("/care?find=nobody"),
    "care-summary": _first_person(""),
    "care-summary-all": _first_person("?days=all&measure=sleep"),
    "care-line-errors": _line_too_long,
    "care-leave": _first_person("/leave"),
}
_READERS: dict[str, Any] = {}


def clinician(browser: Browser, journal: Journal, look: str = "light", **more: Any) -> BrowserContext:
    """A browser in which Dr Sol of the demo's clinic is signed in."""
    return reader(browser, journal, look, role="clinician", **more)


def reader(
    browser: Browser, journal: Journal, look: str = "light", role: str = "therapist", **more: Any
) -> BrowserContext:
    """A browser in which Dr Lee is signed in, or somebody of another role, with a second step; each code counts once,
    so it is given once."""
    key = f"{journal.url} {role}"
    if key not in _READERS:
        listed = json.loads(journal.flask(*DEMO).stdout)
        lee = next(one for one in listed if role in one["roles"])
        page = phone(browser, journal.url).new_page()
        page.goto("/sign-in")
        page.get_by_label("Email").fill(lee["email"])
        page.get_by_label("Passphrase").fill(PASSPHRASE)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("Code from your app").fill(pyotp.TOTP(lee["totp"]).now())
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/care" if role == "therapist" else "**/clinic")
        _READERS[key] = page.context.storage_state()
        page.context.close()
    return phone(browser, journal.url, look, storage_state=_READERS[key], **more)


DANA = "dana@clinic.example.org"


def _roles(page: Page, *chosen: str) -> None:
    for role in ("Admin", "Clinician", "Front desk"):
        page.locator(f'label:has-text("{role}") input').set_checked(role in chosen, force=True)


def staff(browser: Browser, journal: Journal, look: str = "light", **more: Any) -> BrowserContext:
    """A browser in which Dana is signed in, who is everything in a clinic: made by the operator, invited by mail, with
    a second step."""
    key = f"{journal.url} staff"
    if key not in _READERS:
        made = journal.flask(
            *("clinic", "create", "--name", "Harbor Light", "--admin", DANA, "--admin-name", "Dana Reyes"),
            *("--zone", "America/Denver", "--country", "US"),
        )
        assert made.returncode == 0, made.stderr
        found = re.search(r"http\S+/invitations/\S+", made.stdout)
        assert found
        page = phone(browser, journal.url).new_page()
        page.goto(found[0])
        page.get_by_role("link", name="I have no account yet").click()
        page.get_by_label("Email").fill(DANA)
        page.get_by_label("Passphrase").fill(PASSPHRASE)
        page.get_by_role("button", name="Make my account").click()
        page.get_by_text("Please confirm your address first.").wait_for()
        confirm(journal, page, DANA)
        page.get_by_role("button", name="Join the staff").click()
        page.wait_for_url(re.compile("/account/second-step"))
        page.goto("/account/second-step/app")
        _key_to_scan(page)
        _set_up_app(page)
        page.goto("/clinic/staff")
        page.get_by_role("link", name=re.compile("Dana Reyes")).click()
        _roles(page, "Admin", "Clinician", "Front desk")
        page.get_by_role("button", name="Save").click()
        page.wait_for_url("**/clinic/staff")
        _READERS[key] = page.context.storage_state()
        page.context.close()
    return phone(browser, journal.url, look, storage_state=_READERS[key], **more)


def _first_in(path: str, link: str, ending: str = "") -> Visit:
    def visit(page: Page) -> None:
        page.goto(path)
        address = page.locator(link).first.get_attribute("href")
        page.goto(f"{address}{ending}")

    return visit


def _somebody_on_the_list(page: Page) -> None:
    page.goto("/clinic/staff/new")
    page.get_by_label("Their name").fill("Tomás Lindqvist-Okafor")
    page.get_by_label("Their email address").fill(f"tomas-{uuid4().hex[:6]}@clinic.example.org")
    _roles(page, "Front desk")
    page.get_by_role("button", name="Send the invitation").click()
    page.wait_for_url("**/clinic/staff")


def _no_plan(page: Page) -> None:
    page.goto("/clinic/settings/phq")
    page.locator('label:has(input[value="phq-9"])').click()
    page.get_by_role("button", name="Save").click()
    page.locator("#errors").wait_for()


def _grave_off(page: Page) -> None:
    page.goto("/clinic/settings/flags")
    for rule in ("item-9", "severe"):
        page.locator(f'input[value="{rule}"]').press("Space")  # a tap may fall on the bar below
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Turn these off?").wait_for()


def _print_card(page: Page) -> None:
    page.goto("/clinic/patients/invite?way=code")
    page.get_by_label("Their name").fill("Cleo")
    page.get_by_role("button", name="Make the card").click()
    SHARED["card"] = page.locator(".address").inner_text()


def _asked_by_mail(page: Page) -> None:
    page.goto("/clinic/patients/invite?way=mail")
    page.get_by_label("Their name").fill("Ana Whitehorse")
    page.get_by_label("Their email address").fill(f"ana-{uuid4().hex[:6]}@example.org")
    page.get_by_role("button", name="Send the invitation").click()
    page.get_by_text("not answered yet").wait_for()


def _card_of_a_stranger(page: Page) -> None:
    page.context.clear_cookies(name="journal")
    page.goto(SHARED["card"])
    page.get_by_role("heading", name="You are invited to share your journal.").wait_for()


CLINIC: dict[str, Visit] = {
    # What Dana sees, who is admin, clinician and front desk.
    "clinic": _to("/clinic"),
    "clinic-staff": _somebody_on_the_list,
    "clinic-staff-new": _to("/clinic/staff/new"),
    "clinic-staff-errors": _bad_form("/clinic/staff/new", "Send the invitation"),
    "clinic-member": _first_in("/clinic/staff", '.list a[href^="/clinic/staff/"]'),
    "clinic-member-invited": _first_in("/clinic/staff", '.list li:last-child a[href^="/clinic/staff/"]'),
    "clinic-member-remove": _first_in("/clinic/staff", '.list a[href^="/clinic/staff/"]', "/remove"),
    "clinic-last-admin": lambda page: (
        CLINIC["clinic-member-remove"](page),
        page.get_by_role("button", name="Leave").click(),
        page.locator("#errors").wait_for(),
    ),
    "clinic-settings": _to("/clinic/settings"),
    "clinic-settings-contact": _to("/clinic/settings/contact"),
    "clinic-settings-place": _to("/clinic/settings/place"),
    "clinic-settings-phq": _to("/clinic/settings/phq"),
    "clinic-settings-phq-errors": _no_plan,
    "clinic-settings-digest": _to("/clinic/settings/digest"),
    "clinic-settings-second-contact": _to("/clinic/settings/second-contact"),
    "clinic-settings-flags": _to("/clinic/settings/flags"),
    "clinic-settings-flags-twice": _grave_off,
    "clinic-ask": _to("/clinic/patients/invite"),
    "clinic-ask-errors": _bad_form("/clinic/patients/invite?way=mail", "Send the invitation"),
    "clinic-ask-code": _to("/clinic/patients/invite?way=code"),
    "clinic-card": _print_card,
    "clinic-invitation": _asked_by_mail,
    "clinic-patients": _to("/clinic/patients"),
    "clinic-patients-none": _to("/clinic/patients?find=nobody"),
    "clinic-invitation-code": _first_in("/clinic/patients?find=Cleo", '.list a[href^="/clinic/patients/"]'),
    "invitation-patient": lambda page: page.goto(SHARED["card"]),
    # From here on nobody is signed in.
    "invitation-stranger": _card_of_a_stranger,
}


def _flag(ending: str = "") -> Visit:
    return _first_in(f"/clinic/flags{ending}", '.acts a[href^="/clinic/flags/"]')


def _no_reason(page: Page) -> None:
    _flag()(page)
    page.get_by_role("button", name="Close the flag").click()
    page.locator("#errors").wait_for()


FOLLOWED: dict[str, Visit] = {
    # What Dr Sol sees, a clinician of the demo's clinic.
    "flags": _to("/clinic/flags"),
    "flags-closed": _to("/clinic/flags?show=closed"),
    "flag": _flag(),
    "flag-closed": _flag("?show=closed"),
    "flag-errors": _no_reason,
    "digests": _to("/clinic/digests"),
    "digest": _first_in("/clinic/digests", 'a[href^="/clinic/digests/"]'),
    "clinic-summary": _first_in("/clinic/flags", '.acts a[href^="/care/"]'),
    "clinic-of-sol": _to("/clinic"),
    "patients-of-sol": _to("/clinic/patients"),
}


def _somebody_new(page: Page) -> None:
    page.goto("/sign-up")
    page.get_by_label("Email").fill(f"{uuid4().hex[:10]}@example.org")
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Start my journal").click()
    page.wait_for_url("**/welcome/name")
    page.goto("/account/second-step")


def _offered(page: Page) -> None:
    page.goto("/today")
    page.locator('label:has(input[name="mood"][value="4"])').click()
    page.get_by_role("button", name="Save today").click()
    page.get_by_text("Saved at").wait_for()
    add_device(page)
    page.goto("/today")
    page.get_by_role("heading", name="Next time, one touch is enough").wait_for()


def _has_passkey(page: Page) -> None:
    page.goto("/account/passkeys/new")
    page.get_by_role("button", name="Set it up").click()
    page.get_by_text("Your passkey is set up").wait_for()


def _key_to_scan(page: Page) -> None:
    page.goto("/account/second-step/app")
    page.get_by_role("button", name="I have an app").click()
    page.locator(".secret").wait_for()


def _set_up_app(page: Page) -> None:
    secret = page.locator(".secret").inner_text().replace(" ", "")
    page.get_by_label("Code from your app").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Set it up").click()
    page.locator(".codes").wait_for()


def _passphrase_given(page: Page) -> None:
    page.goto("/account")
    email = page.locator('a[href="/account/address"] .quiet').inner_text()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile(r"/$"))
    page.goto("/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/sign-in/second-step")


def _lock_turned_on(page: Page) -> None:
    page.goto("/account/lock/pin")
    page.get_by_label("A PIN").fill("4071")
    page.get_by_label("The same PIN once more").fill("4071")
    page.get_by_role("button", name="Turn the app lock on").click()
    page.wait_for_url("**/account/lock")


def left_alone(page: Page) -> None:
    """As if sixteen minutes had gone by on this page."""
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 16 * 60_000; }")
    page.evaluate("() => dispatchEvent(new Event('focus'))")
    page.get_by_role("dialog", name="Locked").wait_for()


def _covered(page: Page) -> None:
    page.goto("/today")
    left_alone(page)


def _locked(page: Page) -> None:
    page.goto("/account/lock")
    page.get_by_role("button", name="Lock now").click()
    page.wait_for_url("**/unlock")


def _wrong_pins(page: Page) -> None:
    while page.get_by_label("Your PIN").is_visible():
        page.get_by_label("Your PIN").fill("9999")
        page.get_by_role("button", name="Unlock", exact=True).first.click()
        page.locator("#errors").wait_for()
        page.wait_for_load_state()


def _unlocked_again(page: Page) -> None:
    page.goto("/unlock?next=/account/lock")
    page.get_by_label("Your passphrase").fill(PASSPHRASE)  # it stands open: five PINs were wrong
    page.get_by_role("button", name="Unlock", exact=True).last.click()
    page.wait_for_url("**/account/lock")


SECOND_STEP: dict[str, Visit] = {
    # A person of their own, in this order: from setting it up to being asked for it.
    "second-step-off": _somebody_new,
    "passkeys-none": _to("/account/passkeys"),
    "passkey-offered": _offered,
    "passkey-new": _to("/account/passkeys/new"),
    "passkeys": _has_passkey,
    "passkey-remove": _first_in("/account/passkeys", 'a[href$="/remove"]'),
    "second-step-use-passkey": _to("/account/second-step"),
    "second-step-turn-on": _to("/account/second-step/turn-on"),
    "second-step-passkey": _to("/account/second-step/passkeys/new"),
    "second-step-prove": _to("/account/second-step/passphrase"),
    "second-step-app-begin": _to("/account/second-step/app"),
    "second-step-app": _key_to_scan,
    "second-step-app-errors": _bad_form("/account/second-step/app", "Set it up"),
    "second-step-codes": _set_up_app,
    "second-step-on": _to("/account/second-step"),
    "second-step-remove": _to("/account/second-step/app/remove"),
    "second-step-new-codes": _to("/account/second-step/recovery-codes"),
    "lock-off": _to("/account/lock"),
    "lock-pin": _to("/account/lock/pin"),
    "lock-pin-errors": _bad_form("/account/lock/pin", "Turn the app lock on"),
    "lock-on": _lock_turned_on,
    "lock-turn-off": _to("/account/lock/off"),
    "lock-covered": _covered,
    "locked": _locked,
    "locked-help": _to("/help-now"),
    "locked-errors": _bad_form("/unlock", "Unlock"),
    "locked-pin-off": _wrong_pins,
    "lock-open-again": _unlocked_again,
    "lock-prove": _to("/unlock?prove=1&next=/account/lock"),
    "second-step": _passphrase_given,
    "second-step-errors": _bad_form("/sign-in/second-step", "Sign in"),
    "recovery-code": _to("/sign-in/recovery-code"),
}


def sign_in(page: Page, email: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile("/(today|help-now)"))
    if "help-now" in page.url:  # the last look left help waiting
        page.get_by_role("button", name="Go on with my journal").click()
        page.wait_for_url("**/today")
