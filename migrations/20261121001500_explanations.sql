-- Why did, or didn't, this contact get that e-mail? Every fact the answer needs, step by step; crm/records
-- puts them into one sentence. For contacts the reader may change, since it tells what was sent to them.

-- The steps of every campaign the contact is or was in, by the newest enrollment there; what happened in an
-- earlier run counts as received before. A step taken out since is shown where it was tried, without a place.
create function public.explain_steps(p_contact uuid, p_now timestamptz)
returns table (
  campaign_key text, campaign_name text, campaign_status text, campaign_reason text,
  step smallint, place integer, steps integer, template_name text, delay_days smallint,
  enrollment_status text, enrollment_reason text, ended_at timestamptz, next_place integer, next_send_at timestamptz,
  send_status text, send_reason text, provider text, tried_at timestamptz, lease_until timestamptz,
  settled_at timestamptz, delivered_at timestamptz, opened_at timestamptz, clicked_at timestamptz,
  trouble text, trouble_reason text, complained_at timestamptz, received_before timestamptz,
  decision_reason text, decision text, decided_at timestamptz, decision_until timestamptz,
  has_address boolean, email_status text, email_status_reason text, archived_at timestamptz,
  quiet_until timestamptz, quiet_reason text, suppressed boolean, halted_because text, account_is_full boolean)
language sql stable security definer set search_path = '' as $$
  with newest as (
    select distinct on (x.campaign_id) x.*
    from public.campaign_enrollments x
    where x.contact_id = p_contact and p_contact = any (private.changeable(array[p_contact]))
    order by x.campaign_id, x.run desc, x.enrolled_at desc, x.id desc),
  -- Each step in its published version, or its last one where it was retired since.
  known as (
    select distinct on (v.campaign_id, v.step) v.campaign_id, v.step, v.position, v.name, v.delay_days,
           v.status = 'published' as is_published
    from public.drip_campaign_templates v join newest n on n.campaign_id = v.campaign_id
    where v.status <> 'draft'
    order by v.campaign_id, v.step, v.status = 'published' desc, v.version desc),
  -- Places are counted, because positions may leave a gap.
  placed as (
    select k.*, case when k.is_published then (row_number() over
             (partition by k.campaign_id, k.is_published order by k.position))::integer end as place,
           (count(*) filter (where k.is_published) over (partition by k.campaign_id))::integer as steps
    from known k)
  select d.key, d.name, d.status, d.paused_reason,
         t.step, t.place, t.steps,
         coalesce((select m.name from public.drip_campaign_templates m
                   where m.id = s.template_id and s.status not in ('claimed', 'retry')), t.name), t.delay_days,
         e.status, e.reason, e.ended_at,
         (select n.place from placed n where n.campaign_id = d.id and n.step = e.next_step), e.next_send_at,
         s.status, s.reason, s.provider, coalesce(s.handed_over_at, s.claimed_at), s.lease_until,
         s.settled_at, s.delivered_at, s.first_opened_at, s.first_clicked_at,
         v.event, v.reason,
         (select min(y.occurred_at) from public.email_events y where y.send_id = s.id and y.event = 'spamreport'),
         (select max(o.handed_over_at) from public.email_sends o
          where o.contact_id = c.id and o.campaign_id = d.id and o.step = t.step and o.run < e.run
            and o.status in ('accepted', 'delivered')),
         w.reason, w.explanation, w.decided_at, w.until,
         c.email is not null, c.email_status, c.email_status_reason, c.archived_at,
         c.quiet_until, c.quiet_reason, exists (select from public.suppressions x where x.email = c.email),
         private.setting('sending_halt') #>> '{}', coalesce(private.account_room(p_now) = 0, false)
  from newest e
  join public.contacts c on c.id = e.contact_id
  join public.drip_campaigns d on d.id = e.campaign_id
  join placed t on t.campaign_id = e.campaign_id
  left join public.email_sends s
    on s.contact_id = c.id and s.campaign_id = d.id and s.step = t.step and s.run = e.run
  left join lateral (
    select y.event, y.reason from public.email_events y
    where y.send_id = s.id and y.event in ('bounce', 'dropped', 'blocked')
    order by y.event = 'bounce' desc, y.event = 'dropped' desc, y.occurred_at, y.reason limit 1) v on true
  left join lateral (
    select y.reason, y.explanation, y.decided_at, y.until
    from public.drip_decisions y join public.campaign_enrollments r on r.id = y.enrollment_id
    where y.contact_id = c.id and y.campaign_id = d.id and y.step = t.step and r.run = e.run
    order by y.id desc limit 1) w on true
  where t.is_published or s.id is not null
  order by e.enrolled_at desc, e.id desc, t.position, t.step
$$;

-- Why nobody writes to this contact at all: its type's campaign, and what keeps it out. No row for a contact the
-- reader may not change.
create function public.explain_enrollment(p_contact uuid)
returns table (
  type_label text, campaign_name text, campaign_status text, has_emails boolean, joined boolean, enrolled boolean,
  other_campaign text, has_address boolean, email_status text, email_status_reason text, archived_at timestamptz,
  suppressed boolean)
language sql stable security definer set search_path = '' as $$
  select y.label, d.name, d.status,
         exists (select from public.drip_campaign_templates t where t.campaign_id = d.id and t.status = 'published'),
         exists (select from public.campaign_enrollments e where e.contact_id = c.id and e.campaign_id = d.id),
         exists (select from public.campaign_enrollments e where e.contact_id = c.id),
         (select o.name from public.campaign_enrollments e join public.drip_campaigns o on o.id = e.campaign_id
          where e.contact_id = c.id and e.status = 'active' and e.is_type_campaign and e.campaign_id <> d.id limit 1),
         c.email is not null, c.email_status, c.email_status_reason, c.archived_at,
         exists (select from public.suppressions x where x.email = c.email)
  from public.contacts c
  join public.contact_types y on y.key = c.contact_type
  left join public.drip_campaigns d on d.id = y.campaign_id
  where c.id = p_contact and p_contact = any (private.changeable(array[p_contact]))
$$;

revoke all on function public.explain_steps(uuid, timestamptz), public.explain_enrollment(uuid)
  from public, anon, authenticated, service_role;
grant execute on function public.explain_steps(uuid, timestamptz), public.explain_enrollment(uuid)
  to authenticated, service_role;
