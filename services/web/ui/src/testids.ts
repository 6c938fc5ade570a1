// The hooks of the browser tests: `data-testid` values that stay when words and looks change.

export const testids = {
  // Every page
  languageMenu: 'language-menu',
  themeMenu: 'theme-menu',

  // The operations manual
  help: 'help', // data-topic; without one, the list
  helpLink: 'help-link',
  helpContents: 'help-contents',

  // Start page
  titleInput: 'title-input',
  hostKeyInput: 'host-key-input',
  createButton: 'create-button',
  linkInput: 'link-input',
  openLinkButton: 'open-link-button',
  hostLink: 'host-link',
  guestLink: 'guest-link',
  copyHostLink: 'copy-host-link',
  copyGuestLink: 'copy-guest-link',
  joinNow: 'join-now',
  formError: 'form-error',

  // Pre-join page
  roomTitle: 'room-title',
  nameInput: 'name-input',
  joinButton: 'join-button',
  preview: 'preview',
  levelMeter: 'level-meter',
  speakerTest: 'speaker-test',
  microphoneSelect: 'microphone-select',
  cameraSelect: 'camera-select',
  speakerSelect: 'speaker-select',
  deviceProblem: 'device-problem',
  /** The page that says why one is not in the meeting; `data-reason` says which, `data-left` whether one was. */
  notice: 'notice',
  rejoinButton: 'rejoin-button',

  // Pre-join page and meeting; `aria-pressed` is the state
  micToggle: 'mic-toggle',
  cameraToggle: 'camera-toggle',

  // Meeting
  room: 'room', // data-phase, data-media, data-layout
  screenToggle: 'screen-toggle',
  handToggle: 'hand-toggle',
  reactMenu: 'react-menu',
  reaction: 'reaction', // menu entries and what floats by, with data-reaction
  chatToggle: 'chat-toggle',
  peopleToggle: 'people-toggle',
  layoutMenu: 'layout-menu',
  layoutOption: 'layout-option', // data-layout
  moreMenu: 'more-menu',
  inviteButton: 'invite-button',
  fullscreenToggle: 'fullscreen-toggle',
  shortcutsButton: 'shortcuts-button',
  settingsItem: 'settings-item',
  microphoneMenu: 'microphone-menu', // the loudspeakers, too
  cameraMenu: 'camera-menu',
  leaveButton: 'leave-button',
  leaveMeeting: 'leave-meeting', // hosts choose between this and the next
  endForAll: 'end-for-all',
  confirm: 'confirm',
  cancel: 'cancel',
  closeDialog: 'close-dialog',
  banner: 'banner', // data-kind
  playSound: 'play-sound',
  toast: 'toast',

  stage: 'stage', // data-page, data-pages
  tile: 'tile', // data-person, data-source, data-own, data-speaking
  tileMenu: 'tile-menu',
  pinToggle: 'pin-toggle',
  qualityButton: 'quality-button',
  qualityPopover: 'quality-popover', // data-grade, data-reason
  nextPage: 'next-page',
  previousPage: 'previous-page',

  chatPanel: 'chat-panel',
  chatInput: 'chat-input',
  chatSend: 'chat-send',
  chatMessage: 'chat-message', // data-message
  chatUnread: 'chat-unread',

  peoplePanel: 'people-panel',
  personRow: 'person-row', // data-person
  personMenu: 'person-menu',
  hands: 'hands',
  handRow: 'hand-row', // data-person
  muteAll: 'mute-all',
  mutePerson: 'mute-person',
  removePerson: 'remove-person',
  lowerHand: 'lower-hand',

  // Set-up and administration of the box
  setup: 'setup', // data-step
  setupCode: 'setup-code',
  setupOpen: 'setup-open',
  setupFinish: 'setup-finish',
  toAdmin: 'to-admin',
  accountName: 'account-name',
  accountPassword: 'account-password',
  accountPasswordAgain: 'account-password-again',
  accountRole: 'account-role',
  accountCreate: 'account-create',
  accountAdd: 'account-add',
  accountRow: 'account-row', // data-account
  accountRemove: 'account-remove',
  factorSecret: 'factor-secret', // data-secret
  factorCode: 'factor-code',
  factorConfirm: 'factor-confirm',
  recoveryCodes: 'recovery-codes',
  setupBack: 'setup-back',
  networkSave: 'network-save',
  networkPort: 'network-port',
  networkDns: 'network-dns',
  networkVlan: 'network-vlan',
  networkBond: 'network-bond',
  networkDomains: 'network-domains',
  networkTrial: 'network-trial',
  networkKeep: 'network-keep',
  networkAt: 'network-at',
  networkLate: 'network-late',
  hostName: 'host-name',
  hostSave: 'host-save',
  certificateShown: 'certificate-shown',
  certificateNext: 'certificate-next',
  certificateRequest: 'certificate-request',
  certificateRequestBegin: 'certificate-request-begin',
  certificateNames: 'certificate-names',
  certificateOrganization: 'certificate-organization',
  certificateAsk: 'certificate-ask',
  certificateUploadBegin: 'certificate-upload-begin',
  acmeBegin: 'acme-begin',
  acmeDirectory: 'acme-directory',
  acmeContact: 'acme-contact',
  acmeAuthorities: 'acme-authorities',
  acmeKeyId: 'acme-key-id',
  acmeKey: 'acme-key',
  acmeSave: 'acme-save',
  acmeStatus: 'acme-status', // data-phase, data-reason
  acmeAgain: 'acme-again',
  certificateMakeOwn: 'certificate-make-own',
  certificateChain: 'certificate-chain',
  certificateKey: 'certificate-key',
  certificateUpload: 'certificate-upload',
  clock: 'clock',
  timeServers: 'time-servers',
  timeSave: 'time-save',
  boxHostKey: 'box-host-key',
  boxHostKeyCopy: 'box-host-key-copy',
  boxHostKeyShow: 'box-host-key-show',
  updateSource: 'update-source',
  updateWindow: 'update-window',
  updateAuthorities: 'update-authorities',
  updateSourceSave: 'update-source-save',
  mailServer: 'mail-server',
  mailPort: 'mail-port',
  mailEncryption: 'mail-encryption',
  mailUser: 'mail-user',
  mailPassword: 'mail-password',
  mailSender: 'mail-sender',
  mailRecipients: 'mail-recipients',
  mailAuthorities: 'mail-authorities',
  mailSave: 'mail-save',
  mailTestRecipient: 'mail-test-recipient',
  mailTestSend: 'mail-test-send',
  mailTestResult: 'mail-test-result', // data-outcome
  history: 'history',
  graph: 'graph', // data-graph
  metricsAccess: 'metrics-access', // data-open
  metricsOpen: 'metrics-open',
  metricsClose: 'metrics-close',
  metricsToken: 'metrics-token',
  metricsTokenCopy: 'metrics-token-copy',
  updateRollback: 'update-rollback',
  imprint: 'imprint',
  recoveryKey: 'recovery-key',
  keyText: 'key-text', // of KeyToNote
  keyLast: 'key-last',
  keyNoted: 'key-noted',
  backups: 'backups', // data-key
  backupKey: 'backup-key',
  backupKeyMake: 'backup-key-make',
  backupMake: 'backup-make',
  backupRow: 'backup-row', // data-name
  backupDownload: 'backup-download',
  backupTest: 'backup-test',
  backupTestResult: 'backup-test-result',
  backupDeletions: 'backup-deletions',
  backupDailyAt: 'backup-daily-at',
  backupKeep: 'backup-keep',
  backupSave: 'backup-save',
  restoreFresh: 'restore-fresh',
  restoreBegin: 'restore-begin',
  restoreFile: 'restore-file',
  restoreKey: 'restore-key',
  restoreDeletions: 'restore-deletions',
  restoreGo: 'restore-go',
  restored: 'restored',
  restoreNext: 'restore-next',
  logs: 'logs', // data-lines
  logsUnit: 'logs-unit',
  logsPriority: 'logs-priority',
  logsFollow: 'logs-follow',
  support: 'support',
  supportCollect: 'support-collect',
  supportSave: 'support-save',
  selfTest: 'self-test', // data-state
  selfTestRun: 'self-test-run',
  selfTestPrint: 'self-test-print',
  testCall: 'test-call', // data-state
  testCallBegin: 'test-call-begin',
  testCallEnd: 'test-call-end',
  testCallBack: 'test-call-back',
  testNext: 'test-next',
  recoveryKeyShow: 'recovery-key-show',
  overview: 'overview',
  restart: 'restart',
  switchOff: 'switch-off',
  update: 'update',
  updateCheck: 'update-check',
  institutionName: 'institution-name',
  institutionImprint: 'institution-imprint',
  institutionPrivacy: 'institution-privacy',
  institutionOfficer: 'institution-officer',
  institutionSave: 'institution-save',
  signInName: 'sign-in-name',
  signInPassword: 'sign-in-password',
  signInCode: 'sign-in-code',
  signInButton: 'sign-in-button',
  signOut: 'sign-out',
  adminConsole: 'admin-console', // data-role
  passwordOld: 'password-old',
  passwordFresh: 'password-fresh',
  passwordAgain: 'password-again',
  passwordChange: 'password-change',
  auditRow: 'audit-row', // data-event
  auditChain: 'audit-chain', // data-whole
} as const
