/** CHATBOTS are those of a bicycle shop, with what they answer from. */
export const CHATBOTS = [
  {
    name: 'Shop support',
    instructions: 'Answer briefly and kindly. Send questions about a single order to service@nordlicht.example.',
    welcomeMessage: 'Hello! Ask me about orders, returns and repairs.',
    documents: {
      'returns.md':
        '# Returns\n\nA bicycle may be returned within 30 days if it was ridden less than 50 km. Money comes back within 14 days after the bicycle has arrived.\n\n# Exchange\n\nAnother frame size is sent free of charge within the same 30 days.',
      'shipping.md':
        '# Shipping\n\nBicycles leave the workshop assembled to nine tenths; pedals and handlebars are fitted at home. Within the country delivery takes 3 to 5 working days, abroad 6 to 9.',
      'warranty.md':
        '# Warranty\n\nFrames are guaranteed for 10 years, electric motors and batteries for 2. Worn parts such as chains, brake pads and tyres are not covered.'
    }
  },
  {
    name: 'Bike finder',
    instructions: 'Recommend at most two models.',
    welcomeMessage: '',
    documents: {
      'models.md':
        '# City\n\nThe Aurora is a light city bicycle with a belt drive and eight gears.\n\n# Touring\n\nThe Polaris carries 25 kg of luggage and has hydraulic brakes.'
    }
  },
  {
    name: 'Workshop handbook',
    instructions: '',
    welcomeMessage: '',
    documents: { 'torques.txt': 'Stem bolts take 5 Nm, seat clamps 6 Nm, crank bolts 40 Nm. Check them after the first 100 km.' }
  }
] as const

/** QUESTIONS are what people ask the first chatbot; its documents answer them. */
export const QUESTIONS = [
  'How long do I have to return a bicycle?',
  'When does my money come back?',
  'How long does delivery abroad take?',
  'Is the battery covered by the warranty?',
  'Are brake pads covered by the warranty?',
  'Can I exchange the frame size?'
] as const
