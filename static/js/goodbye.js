// Before an account is deleted: this phone may hold what somebody else wrote. Then only the account's own things leave it,
// one by one, and not all that the browser keeps for the journal.

import { othersWait } from "./phone.js";

const said = document.querySelector("input[name=others_wait]");
if (crypto.subtle && (await othersWait().catch(() => false))) said.value = "yes";
