// Before an account is deleted: this phone may hold what somebody else wrote. Then only the account's own things leave it,
// one by one, and not all that the browser keeps for the journal.

import { count } from "./phone.js";

const said = document.querySelector("input[name=others_wait]");
const { others } = await count().catch(() => ({}));
if (others) said.value = "yes";
