// Which part of the manual explains what: a page, and the anchor of one of its headings.

export const topics = {
  setup: 'first-meeting#setting-up',
  sign_in: 'accounts#signing-in',
  overview: 'troubleshooting#overview-and-display-of-the-box',
  factory_reset: 'factory-reset#resetting-in-the-browser',
  history: 'monitoring#history',
  metrics: 'monitoring#monitoring-system',
  rooms: 'rooms',
  network: 'network#changing-settings',
  name: 'network#plenumlocal',
  certificate: 'certificates',
  time: 'emergency#wrong-clock',
  institution: 'first-meeting#setting-up',
  mail: 'monitoring#mail-about-problems',
  updates: 'updates#installing',
  update_settings: 'updates#where-the-update-comes-from',
  backup: 'backup#backing-up',
  logs: 'troubleshooting',
  syslog: 'monitoring#logs-on-a-syslog-server',
  support: 'troubleshooting#diagnostics-bundle',
  accounts: 'accounts',
  own_factor: 'accounts#new-device-or-new-codes',
  audit: 'accounts#audit-log',
  unreachable: 'troubleshooting#the-administration-does-not-answer',
  self_test: 'troubleshooting',
  call: 'troubleshooting#meetings',
} as const

export type Topic = keyof typeof topics
