"""What the physical models do, as a short list of stages."""

from __future__ import annotations

from optimodels.families.regulation.physics import cost_results, results
from optimodels.families.regulation.physics.cost import read_hour
from optimodels.families.regulation.physics.data import read_response
from optimodels.model import Compute, Program

FREQUENCY_RESPONSE = Program(
    read=read_response,
    stages=(
        Compute(
            "response",
            lambda response, done: results.respond(response),
            equations=(
                "M d(df)/dt = sum_a (dG1_a + dG2_a - dL_a) - D df - loss",
                "dG1_a = -((1 - K_A) P_G s_a / R) G(s) df       units on droop",
                "dG2_a = G(s) u_a,  du_a/dt = -K_I z_a          units on ACE",
                "dz_a/dt = (ACE_a - z_a) / T_A,  ACE_a = de_a + B_a df",
                "de_a = dG1_a + dG2_a - dL_a - D s_a df - loss_a",
                "B_a = s_a (D + (1 - K_A) P_G / R + dr / R)",
                "dL_a = (dr s_a / R) L(s) df + rho_D ACE_a / (1 + s T_load)",
                "L(s) = s / (T_load s^2 + s + K_L)",
                "G(s): hydro     (1 + s T_R) (1 - s T_W) / ((1 + s T_G)",
                "                (1 + s (R_T/R_P) T_R) (1 + s T_W/2))",
                "      reheat    (1 + s F_HP T_RH) / ((1 + s T_G) (1 + s T_CH) (1 + s T_RH))",
                "      nonreheat 1 / ((1 + s T_G) (1 + s T_CH))",
                "x(t + h) = exp(A h) x(t) + integrals of exp(A s) B: exact for inputs",
                "that are held, or straight, between the times.",
                "In the end, with AGC: integral of df = -loss / (K_I sum_a B_a),",
                "of de_study = B_study loss / (K_I sum_a B_a) - loss_study / K_I;",
                "without: df = -loss / (D + (1 - K_A) P_G / R).",
            ),
        ),
    ),
    report=results.frequency_response,
    main="response",
)

REGULATION_COST = Program(
    read=read_hour,
    stages=(
        Compute(
            "regulation",
            lambda hour, done: cost_results.pay(hour),
            equations=(
                "every five minutes   S(P_C) = Q(P_C) = Q_C;  R_S, R_D: slopes there",
                "                     R = R_S R_D / (R_S + R_D),  rho_D = R_S / (R_S + R_D)",
                "taken up             Q(t) = Q_C + (Q(t_C) - Q_C) exp(-(t - t_C) / T_decay)",
                "all the time         the two areas of regulation/frequency-response",
                "every four seconds   P_R = R dQ (+ P_C),  dQ = -ACE or sum_i dQ_i",
                "cost of resource i   integral of P_R dQ_i dt, dQ_i its actual response;",
                "                     i: supply on droop, supply on ACE, demand response",
                "owed by deviation    integral of P_R dQ dt of the area's own deviations, of",
                "                     exports and of damping: the same sum",
            ),
        ),
    ),
    report=cost_results.regulation_cost,
    main="regulation",
)
