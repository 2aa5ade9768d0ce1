-- What bench/crm_of_a_million.py writes after the contacts: %(now)s is when the story ends.

-- Every third contact or so, over two years; seven in ten are over.
insert into campaign_enrollments
  (contact_id, campaign_id, next_step, next_send_at, last_step, last_sent_at, source, enrolled_at, status,
   reason, ended_at, updated_at)
select x.contact_id, x.campaign_id,
       case when x.fate in ('active', 'paused') and x.received < x.steps then x.received + 1 end,
       case when x.fate = 'active' and x.received < x.steps
            then %(now)s + (1 + x.n %% 20) * interval '1 day' end,
       nullif(x.received, 0),
       case when x.received > 0 then x.enrolled_at + (x.received - 1) * interval '7 days' end,
       'type', x.enrolled_at, x.fate,
       case x.fate when 'stopped' then (array['replied', 'type_changed', 'unsubscribed', 'stopped_by_user'])[1 + x.n %% 4]
                   when 'paused' then 'paused_by_user' else '' end,
       case when x.fate in ('stopped', 'completed') then x.enrolled_at + x.received * interval '7 days' end,
       x.enrolled_at
from (
  select p.*, %(now)s - interval '60 days' - (p.n %% 670) * interval '1 day' as enrolled_at, s.steps,
         case when p.fate = 'completed' then s.steps else least(1 + p.n / 7 %% 3, s.steps) end as received
  from (
    select c.id as contact_id, y.campaign_id, c.n,
           (array['active', 'active', 'active', 'active', 'paused', 'completed', 'completed',
                  'stopped', 'stopped', 'stopped'])[1 + c.n / 3 %% 10] as fate
    from (select id, contact_type, row_number() over () as n, email_status, archived_at
          from contacts order by hashtext(id::text) limit %(enrollments)s) c
    join contact_types y on y.key = c.contact_type) p
  join (select campaign_id, count(*) as steps from drip_campaign_templates
        where status = 'published' group by campaign_id) s using (campaign_id)) x;

-- An e-mail a week; one in forty bounced.
insert into email_sends
  (contact_id, enrollment_id, campaign_id, step, run, template_id, to_email, merge_values, claimed_at,
   handed_over_at, settled_at, provider, provider_message_id, status, delivered_at, first_event_at, due_at)
select e.contact_id, e.id, e.campaign_id, t.step, 1, t.id, c.email, '["Ada","Example Ltd"]',
       m.sent_at, m.sent_at, m.sent_at, 'sendgrid', 'bench', case when m.bounced then 'bounced' else 'delivered' end,
       case when not m.bounced then m.sent_at + interval '5 seconds' end, m.sent_at + interval '1 second', m.sent_at
from campaign_enrollments e
join contacts c on c.id = e.contact_id
join drip_campaign_templates t
  on t.campaign_id = e.campaign_id and t.status = 'published' and t.position <= e.last_step
cross join lateral (
  select e.enrolled_at + (t.position - 1) * interval '7 days' + interval '10 hours' as sent_at,
         hashtext(e.id::text || t.step) %% 40 = 0 as bounced) m;

-- By a number drawn for each e-mail: everything went on or bounced, some was opened and clicked.
insert into email_events
  (send_id, contact_id, event, occurred_at, message_id, email, provider_event_id, is_machine, machine_reason,
   says_machine, received_at)
select s.id, s.contact_id, k.event, s.handed_over_at + k.after, 'bench', s.to_email, 'e' || s.n || k.event || k.after,
       k.machine, case when k.machine then 'machine_open' else '' end, k.machine, s.handed_over_at + k.after
from (select id, contact_id, to_email, handed_over_at, status, row_number() over () as n,
             abs(hashtext(id::text)) %% 1000 as drawn from email_sends) s
cross join lateral (values
  ('processed', interval '1 second', false, true),
  ('delivered', interval '5 seconds', false, s.status = 'delivered'),
  ('bounce', interval '9 seconds', false, s.status = 'bounced'),
  ('open', interval '20 seconds', true, s.status = 'delivered' and s.drawn %% 3 = 0),
  ('open', s.drawn * interval '7 minutes', false, s.status = 'delivered' and s.drawn < 380),
  ('click', s.drawn * interval '7 minutes' + interval '1 minute', false, s.status = 'delivered' and s.drawn < 70),
  ('reply', interval '2 days', false, s.status = 'delivered' and s.drawn < 12),
  ('unsubscribe', interval '3 days', false, s.status = 'delivered' and s.drawn between 990 and 996),
  ('spamreport', interval '3 days', false, s.status = 'delivered' and s.drawn = 999)
) k (event, after, machine, happened)
where k.happened
limit %(events)s;

update email_sends s set first_opened_at = e.opened_at, first_clicked_at = e.clicked_at
from (select send_id, min(occurred_at) filter (where event = 'open' and not is_machine) as opened_at,
             min(occurred_at) filter (where event = 'click') as clicked_at
      from email_events where event in ('open', 'click') group by send_id) e
where s.id = e.send_id and e.opened_at is not null;

insert into type_changes (contact_id, from_type, to_type, is_forward, changed_at)
select e.contact_id, case c.contact_type when 'lead' then 'networking' when 'prospect' then 'lead' else 'prospect' end,
       c.contact_type, true, e.enrolled_at + (10 + abs(hashtext(e.id::text)) %% 60) * interval '1 day'
from campaign_enrollments e join contacts c on c.id = e.contact_id
where c.contact_type in ('lead', 'prospect', 'client') and abs(hashtext(e.id::text)) %% 12 = 0;

insert into activities (contact_id, occurred_at, kind, summary, actor_id, enrollment_id, send_id)
select id, created_at, 'contact_imported', 'Imported from a file', null::uuid, null::uuid, null::uuid from contacts
union all
select contact_id, enrolled_at, 'enrolled', 'Enrolled', null, id, null from campaign_enrollments
union all
select contact_id, handed_over_at, 'email_sent', 'E-mail sent', null, enrollment_id, id from email_sends
union all
select contact_id, occurred_at, 'reply', 'Replied: thank you', null, null, null from email_events where event = 'reply'
union all
select id, created_at + (abs(hashtext(id::text)) %% 900) * (%(now)s - created_at) / 900,
       case when hashtext(id::text) %% 2 = 0 then 'note' else 'call' end, 'We talked about next year', owner_id, null, null
from contacts where abs(hashtext(id::text)) %% 11 = 0;

-- What the triggers would have noted.
insert into contact_activity (contact_id, last_at)
select c.id, greatest(a.last_at, e.last_at)
from contacts c
left join (select contact_id, max(occurred_at) as last_at from activities where kind in ('reply', 'note', 'call')
           group by contact_id) a on a.contact_id = c.id
left join (select contact_id, max(occurred_at) as last_at from email_events
           where event in ('open', 'click') and not is_machine group by contact_id) e on e.contact_id = c.id;
