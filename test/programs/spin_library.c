/* A library that a program loads late, and in which it stays. */
extern volatile unsigned long sampled_turns;
volatile unsigned long sampled_turns;

void sampled_spin(void);
void sampled_spin(void)
{
	for (;;)
		sampled_turns++;
}
