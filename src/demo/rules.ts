/** Rules of the demo, written into a folder where a person can edit them while it runs. */
export const DEMO_RULES = `# Edit and save: the change is live within a second.
id: vip-network
name: VIP network problems go to Network L2
when:
  category: [Network, VPN]
  requester: { in_list: vips }
  title: { present: true, not_contains: test }
  connection: [acme-invgate, acme-jitbit, acme-boss]
then:
  - reassign: { queue: Network L2, agent: nora@acme.com }
  - comment: { text: "Deskhand moved this to Network L2: {{ ticket.title }}" }
  - slack.post: { channel: "#noc", text: "*{{ ticket.title }}* ({{ ticket.priority }}), reported by {{ ticket.requester }}", buttons: [acknowledge, assign, snooze, escalate, close] }
limit: { per_ticket: 1/1h }
---
id: vip-network-legacy
name: VIP network problems on the old desk, where queues are services
when:
  connection: legacy
  queue: Network
  requester: { in_list: vips }
then:
  - reassign: { agent: nora@acme.com }
  - comment: { text: "Deskhand gave this to Nora: {{ ticket.title }}" }
  - slack.post: { channel: "#noc", text: "*{{ ticket.title }}* ({{ ticket.priority }}) on the old desk, reported by {{ ticket.requester }}", buttons: [acknowledge, assign, close] }
limit: { per_ticket: 1/1h }
---
id: take-critical
name: Critical tickets find an owner at once
when:
  priority: { at_least: critical }
  assignee: { empty: true }
  title: { present: true, not_contains: test }
  connection: [acme-invgate, acme-jitbit, acme-boss, legacy]
then:
  - reassign: { agent: ali@acme.com }
  - comment: { text: "Critical and without an owner: given to Ali." }
  - slack.post: { channel: "#noc", text: "Ali takes {{ ticket.display_id }} *{{ ticket.title }}*", buttons: [acknowledge, assign, close] }
limit: { per_ticket: 1/1h }
---
id: customer-replied
name: A customer's reply goes to the general channel
on: [comment.added]
when:
  comment.public: true
  phase: { not_in: [closed, resolved] }
then:
  - slack.post: { channel: "#general", text: "{{ comment.author }} on {{ ticket.display_id }}: {{ comment.text | truncate: 120 }}" }
---
id: monitoring-alert
name: Monitoring opens a ticket for what is down
on: [webhook.received]
when:
  connection: monitoring
  priority: { at_least: urgent }
then:
  - slack.post: { channel: "#noc", text: "Monitoring: *{{ ticket.title }}*" }
  - create_ticket: { connection: acme-jitbit, title: "{{ ticket.title }}", text: "Reported by monitoring.", category: Network, priority: critical }
`;
