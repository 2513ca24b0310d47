/** Every advisory lock of Deskhand, so that no two parts take the same number for different things. */
export const LOCKS = {
  /** Held while migrations are applied. */
  migration: 7_305_001,
  /** Shared by groups that store events, exclusive for the switch of the active rule set. */
  ruleSwitch: 7_305_002,
  /** Held by the one owner of an embedded database. */
  embeddedOwner: 7_305_003,
  /** Shared by everybody who uses an embedded database. */
  embeddedUsers: 7_305_004,
  /** With a key beside it: held by each instance as long as it lives. */
  instance: 7_305_005,
} as const;
